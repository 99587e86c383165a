"""Quality: what judges, probes and users say about the answers."""

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from functools import lru_cache

from bot.incident.evidence import Signal
from bot.incident.reading import Reading
from bot.incident.signals.measure import Seen, growth, share
from bot.incident.signals.scope import Scope
from bot.incident.telemetry import EvalScore

_CONDUCT = re.compile(
    r"policy|adherence|toxic|safety|moderation|tone|bias|persona|harm|refusal|off.?topic|conduct", re.IGNORECASE
)
_FEEDBACK = re.compile(r"feedback|thumb|csat|satisfaction|rating", re.IGNORECASE)

OF_A_RATING = (
    0.5  # the weight of a user's rating: users rate what they feel, and the same wrong answer a judge has counted
)


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Answers judged wrong, failed probes, thumbs down, and one signal per evaluator."""
    now, before, age = scope.scores_now, scope.scores_before, age_of(scope, Judgement.QUALITY)
    pooled = (
        share(
            scope,
            "quality",
            "answers were judged wrong",
            judged(now, Judgement.QUALITY),
            judged(before, Judgement.QUALITY),
            fresh_seconds=age,
        ),
        share(
            scope,
            "quality_elsewhere",
            "answers were judged wrong where no tool and no model had trouble",
            judged(apart(now, scope.now), Judgement.QUALITY),
            judged(apart(before, scope.before), Judgement.QUALITY),
            fresh_seconds=age,
        ),
        share(
            scope,
            "probes",
            "probes failed",
            probes(now),
            probes(before),
            fresh_seconds=scope.probe_age,
        ),
        share(
            scope,
            "feedback",
            "ratings by users were bad",
            ratings(now),
            ratings(before),
            fresh_seconds=age_of(scope, Judgement.FEEDBACK),
        ),
    )
    names = sorted({score.name for score in (*now, *before) if score.passed is not None})
    return (*pooled, *worst_type(scope), *worst_evaluator(scope), *(evaluator(scope, name) for name in names))


def worst_evaluator(scope: Scope) -> tuple[Signal, ...]:
    """Of several evaluators of answers the one whose verdicts got worst."""
    names = sorted(
        {score.name for score in scope.scores_now if score.passed is not None and kind_of(score) is Judgement.QUALITY}
    )
    found = [
        share(
            scope,
            "quality_evaluator",
            f"answers failed {name}",
            seen(score for score in scope.scores_now if score.name == name),
            seen(score for score in scope.scores_before if score.name == name),
            fresh_seconds=scope.heard_age([name]),
            note=name,
        )
        for name in names
    ]
    return tuple(sorted(found, key=growth)[-1:]) if len(found) > 1 else ()


def worst_type(scope: Scope) -> tuple[Signal, ...]:
    """The kind of task whose answers got worst by judges and probes, when scores name kinds."""
    kinds = sorted({score.task_type for score in scope.scores_now if score.task_type and score.passed is False})
    found = [
        share(
            scope,
            "quality_slice",
            f"answers to {kind} were judged wrong",
            of_kind(scope.scores_now, kind),
            of_kind(scope.scores_before, kind),
            fresh_seconds=scope.score_age,
            note=kind,
        )
        for kind in kinds
    ]
    return tuple(sorted(found, key=growth)[-1:])


def of_kind(scores: Iterable[EvalScore], kind: str) -> list[Seen]:
    """Answers to one kind of task that were judged; where nobody judges, probes of that kind."""
    mine = [score for score in scores if score.task_type == kind]
    return judged(mine, Judgement.QUALITY) or probes(mine)


def apart(scores: Iterable[EvalScore], readings: Iterable[Reading]) -> list[EvalScore]:
    """The scores of tasks in which every tool and model answered: their answers are not worse for a lack of that."""
    sound = {one.id for one in readings if not (one.tool_errors or one.model_errors or one.loop or one.use.empty)}
    return [score for score in scores if score.trace_id in sound]


def evaluator(scope: Scope, name: str) -> Signal:
    """Failed verdicts of one evaluator, named "eval:<name>"."""
    return share(
        scope,
        f"eval:{name}",
        f"verdicts of {name} were bad",
        seen(score for score in scope.scores_now if score.name == name),
        seen(score for score in scope.scores_before if score.name == name),
        fresh_seconds=scope.heard_age([name]),
    )


def age_of(scope: Scope, kind: "Judgement") -> float | None:
    """Seconds since the newest score of the evaluators that judge this; None when there is none."""
    return scope.heard_age([name for name in scope.heard if judgement_of(name) is kind])


class Judgement(Enum):
    """What a score is about."""

    QUALITY = "whether an answer is right"
    CONDUCT = "behaviour against policy"
    FEEDBACK = "what a user says"
    PROBE = "a probe we sent"


@lru_cache(1024)  # asked for each score several times
def judgement_of(evaluator: str) -> Judgement:
    """What an evaluator of that name judges."""
    if evaluator.startswith("synthetic"):
        return Judgement.PROBE
    if _CONDUCT.search(evaluator):
        return Judgement.CONDUCT
    return Judgement.FEEDBACK if _FEEDBACK.search(evaluator) else Judgement.QUALITY


def kind_of(score: EvalScore) -> Judgement:
    """What the score is about: its probe, or what its evaluator judges."""
    return Judgement.PROBE if score.probe_id is not None else judgement_of(score.name)


def judged(scores: Sequence[EvalScore], kind: Judgement) -> list[Seen]:
    """One observation per answer: bad when any evaluator of that kind failed it.

    Evaluators of one answer agree with one another, so counting each verdict would count the same answer twice.
    """
    answers: dict[str, Seen] = {}
    kinds = {name: judgement_of(name) for name in {score.name for score in scores}}
    for number, (name, at_ns, _, _, _, passed, trace_id, _, _, probe_id, _, _) in enumerate(scores):
        if passed is None or (kinds[name] if probe_id is None else Judgement.PROBE) is not kind:
            continue
        key = trace_id or f"#{number}"
        known = answers.get(key)
        bad = not passed or (known is not None and known.bad)
        answers[key] = tuple.__new__(Seen, (trace_id or "", at_ns, bad))
    return list(answers.values())


def probes(scores: Iterable[EvalScore]) -> list[Seen]:
    """One observation per probe run."""
    return seen(score for score in scores if score.synthetic)


def ratings(scores: Iterable[EvalScore]) -> list[Seen]:
    """One observation per rating by a user."""
    return seen(score for score in scores if kind_of(score) is Judgement.FEEDBACK)


def seen(scores: Iterable[EvalScore]) -> list[Seen]:
    """One observation per decided score."""
    return [
        tuple.__new__(Seen, (score.trace_id or "", score.at_ns, not score.passed))
        for score in scores
        if score.passed is not None
    ]
