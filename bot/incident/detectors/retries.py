"""Retries: a call that failed a few times and then works was no loop."""

from collections.abc import Sequence
from itertools import pairwise

from bot.incident.detectors.alike import other_verb, shared, words_of
from bot.incident.detectors.task_steps import Step

RETRIES = 4  # failures of one call that a success excuses
SAME_ATTEMPT = 0.5  # words that the next call of a tool shares with the one that failed, where it mends it


def mended(steps: Sequence[Step], place: int) -> bool:
    """What failed at ``place`` works right after."""
    return slip(steps, place) or works_again(steps, place)


def slip(steps: Sequence[Step], place: int) -> bool:
    """A slip of form: nothing was given to the call that failed at ``place``, and the calls on either side of it work."""
    failed = steps[place]
    if not failed.failing or failed.words or failed.given_text.strip("{} "):
        return False
    before = next((step for step in reversed(steps[:place]) if not step.words), None)
    after = next((step for step in steps[place + 1 :] if not step.words), None)
    return before is not None and after is not None and not (before.failing or after.failing)


def works_again(steps: Sequence[Step], place: int) -> bool:
    """The call that failed at ``place`` is made once more, or nearly so right after, and succeeds."""
    failed = steps[place]
    after = [step for step in steps[place + 1 :] if not step.words]
    if not failed.failing or failed.words or not after:
        return False
    again = next((step for step in after if (step.name, step.given) == (failed.name, failed.given)), None)
    if again is None:
        again = after[0] if _other_attempt(failed, after[0]) else None
    return again is not None and not again.failing


def came_round(steps: Sequence[Step], place: int) -> bool:
    """What was under way at ``place`` has become something else when the same call is made again: it was waited for."""
    waiting = steps[place]
    after = (step for step in steps[place + 1 :] if (step.name, step.given) == (waiting.name, waiting.given))
    again = next(after, None) if waiting.under_way and waiting.given is not None else None
    return again is not None and again.outcome not in {None, waiting.outcome}


def worked_between(stretch: Sequence[Step]) -> bool:
    """Between like failures nearly the same call worked: they are on the way to something."""
    tries = [step for step in stretch[:-1] if step.name == stretch[0].name]  # the last one may not have come back yet
    return stretch[0].failing and any(
        failed.failing
        and not step.failing
        and _other_attempt(failed, step)
        and not other_verb(failed.given_text, step.given_text)
        for failed, step in pairwise(tries)
    )


def went_on(calls: Sequence[Step], row: Sequence[Step]) -> bool:
    """The failures of the row were met with one thing of a list after another, and with the next thing the tool works."""
    after = next(place for place, step in enumerate(calls) if step is row[-1]) + 1
    if after == len(calls) or calls[after].failing or {step.name for step in row} != {calls[after].name}:
        return False
    return not any(_other_attempt(one, other) for one, other in pairwise((*row, calls[after])))


def _other_attempt(failed: Step, step: Step) -> bool:
    one, other = words_of(failed.given_text), words_of(step.given_text)
    return step.name == failed.name and shared(one, other, SAME_ATTEMPT) >= SAME_ATTEMPT
