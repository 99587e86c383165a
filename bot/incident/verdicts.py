"""Verdicts of evaluators: each counts once however often it is told, and only on a task of the agent that it names."""

from collections.abc import Collection, Iterable

from bot.incident.assembly import UNNAMED
from bot.incident.telemetry import EvalScore

_PASS = frozenset(
    {
        *("pass", "passed", "true", "good", "correct", "yes", "ok", "success", "1"),
        *("thumbs_up", "thumbsup", "up", "positive", "👍"),
    }
)
_FAIL = frozenset(
    {
        *("fail", "failed", "false", "bad", "incorrect", "no", "failure", "0"),
        *("thumbs_down", "thumbsdown", "down", "negative", "👎"),
    }
)


def each_once(scores: Iterable[EvalScore]) -> list[EvalScore]:
    """The verdicts on tasks, each once; of two that say the same of one step the latter is kept.

    Evaluators tell theirs as an event of the span and as a log record, and vendors hand on what we know already.
    """
    known: dict[tuple[str, str | None, str | None, float | None], EvalScore] = {}
    for score in scores:
        key = score.name, score.trace_id, score.span_id, said(score)
        other = known.get(key)
        known[key] = score if other is None or score.explanation else score._replace(explanation=other.explanation)
    return list(known.values())


def said(score: EvalScore) -> float | None:
    """The verdict as a number; those in words are as different as pass and fail."""
    return score.passed if score.value is None else score.value


def verdicts_on(agent: str, taking_part: Collection[str], scores: Iterable[EvalScore]) -> tuple[EvalScore, ...]:
    """The verdicts on one task of ``agent``, each once, in the order of their time.

    One whose sender named an agent that took no part in the task is about something else, whatever trace id it
    carries. One whose sender named nobody is about this task, and so is any on a task that names no agent itself.
    """
    found = [
        score
        for score in scores
        if score.agent is None or not score.agent_said or score.agent in taking_part or agent == UNNAMED
    ]
    return tuple(sorted(each_once(found), key=lambda score: score.at_ns))


def in_words(label: str) -> bool | None:
    """Whether a label says passed or failed, ``0`` and ``1`` among them; None where it says neither."""
    word = label.strip().lower().replace(" ", "_").replace("-", "_")
    return True if word in _PASS else False if word in _FAIL else None
