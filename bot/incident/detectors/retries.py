"""Retries: a call that failed a few times and then works was no loop."""

from collections.abc import Sequence
from itertools import pairwise

from bot.incident.detectors.alike import shared, words_of
from bot.incident.detectors.task_steps import Step

RETRIES = 4  # failures of one call that a success excuses
SAME_ATTEMPT = 0.5  # words that the next call of a tool shares with the one that failed, where it mends it


def mended(steps: Sequence[Step], place: int) -> bool:
    """The call that failed at ``place`` is made once more, or nearly so right after, and succeeds.

    A slip of form (nothing was given, and the calls on either side of it work) is mended by whatever is called next.
    """
    failed = steps[place]
    if not failed.failing or failed.words:
        return False
    before = next((step for step in reversed(steps[:place]) if not step.words), None)
    after = [step for step in steps[place + 1 :] if not step.words]
    if not after:
        return False
    if before is not None and not failed.given_text.strip("{} ") and not (before.failing or after[0].failing):
        return True
    again = next((step for step in after if (step.name, step.given) == (failed.name, failed.given)), None)
    if again is None:
        again = after[0] if _other_attempt(failed, after[0]) else None
    return again is not None and not again.failing


def worked_between(stretch: Sequence[Step]) -> bool:
    """Between like failures nearly the same call worked: they are on the way to something."""
    tries = [step for step in stretch[:-1] if step.name == stretch[0].name]  # the last one may not have come back yet
    return stretch[0].failing and any(
        failed.failing and not step.failing and _other_attempt(failed, step) for failed, step in pairwise(tries)
    )


def _other_attempt(failed: Step, step: Step) -> bool:
    one, other = words_of(failed.given_text), words_of(step.given_text)
    return step.name == failed.name and shared(one, other, SAME_ATTEMPT) >= SAME_ATTEMPT
