"""Verdicts by a number alone: 0 to 1 is the only scale on which a number says pass or fail.

A judge that goes over to 1 to 5 says 1 of the worst answer, which on the other scale is the best there is.
"""

from collections.abc import Sequence

from bot.incident.telemetry import EvalScore

FEWEST_BEYOND = 3  # numbers above 1 from which an evaluator has another scale; a single one is a slip


def on_one_scale(scores: Sequence[EvalScore]) -> Sequence[EvalScore]:
    """The scores; by a number without a word they decide nothing from where their evaluator uses another scale."""
    numbers = {score.name for score in scores if _is_beyond(score)}
    since = {name: at for name in numbers if (at := _other_since(scores, name)) is not None}
    if not since:
        return scores
    return [
        score._replace(passed=None)
        if _by_number(score) and score.at_ns >= since.get(score.name, score.at_ns + 1)
        else score
        for score in scores
    ]


def _other_since(scores: Sequence[EvalScore], name: str) -> int | None:
    """When the evaluator's numbers are first of another scale: after the last one between 0 and 1. None if that comes last."""
    mine = [score for score in scores if score.name == name]
    beyond = [score.at_ns for score in mine if _is_beyond(score)]
    last_between = max((score.at_ns for score in mine if score.value is not None and 0 < score.value < 1), default=-1)
    return last_between + 1 if len(beyond) >= FEWEST_BEYOND and min(beyond) > last_between else None


def _is_beyond(score: EvalScore) -> bool:
    return score.value is not None and score.value > 1


def _by_number(score: EvalScore) -> bool:
    """Nothing but its number can have decided it."""
    return score.passed is not None and (not score.label or score.label.strip().isdigit())
