"""Verdicts by a number alone: 0 to 1 is the only scale on which a number says pass or fail.

A judge that goes over to 1 to 5 says 1 of the worst answer, which on the other scale is the best there is.
"""

from collections.abc import Iterable, Sequence

from bot.incident.telemetry import EvalScore
from bot.incident.verdicts import in_words

FEWEST_BEYOND = 3  # more numbers above 1 than between 0 and 1 from which a scale is another; a single one is a slip


def on_one_scale(scores: Sequence[EvalScore]) -> Sequence[EvalScore]:
    """The scores; by a number without a word they decide nothing from where their evaluator uses another scale."""
    undecided = (score for score in scores if score.passed is None and score.value is not None and score.value > 1)
    names = {score.name for score in undecided}
    since = {name: at for name in names if (at := _other_since(scores, name)) is not None}
    if not since:
        return scores
    return [
        score._replace(passed=None)
        if _by_number(score) and score.at_ns >= since.get(score.name, score.at_ns + 1)
        else score
        for score in scores
    ]


def _other_since(scores: Iterable[EvalScore], name: str) -> int | None:
    """From when on most of the evaluator's numbers but 0 and 1 are above 1; None where that is never so.

    The two may mingle: an old judge goes on beside the new one for a while, and five stars have halves. A 0 or 1 just
    before the first of another scale is of that scale, too.
    """
    told = [(one.at_ns, one.value) for one in scores if one.name == name and one.value is not None]
    more, most, since = 0, FEWEST_BEYOND, None
    for at_ns, value in sorted(told, reverse=True):
        more += (value > 1) - (0 < value < 1)
        if value > 1 and more >= most:
            most, since = more, at_ns
    if since is None:
        return None
    return 1 + max((at_ns for at_ns, value in told if at_ns < since and 0 < value < 1), default=-1)


def _by_number(score: EvalScore) -> bool:
    """Nothing but its number can have decided it: its label is a number too, or no word for pass or fail."""
    if score.passed is None or (score.value is not None and score.value > 1):  # such a number decides nothing
        return False
    label = score.label or ""
    return label.strip().isdigit() or in_words(label) is None
