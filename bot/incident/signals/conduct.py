"""Conduct: guardrails and evaluators that watch for policy, and whether it depends on who asks or how long."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from bot.incident.detectors.security import is_security
from bot.incident.evidence import Signal
from bot.incident.reading import Reading
from bot.incident.signals.measure import Seen, growth, share, share_of, tasks
from bot.incident.signals.quality import Judgement, age_of, judged
from bot.incident.signals.scope import Scope
from bot.incident.telemetry import EvalScore

DEPTHS = (5, 8, 12)  # turns from which a conversation may be called long


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Policy hits overall, in their worst slice and by evaluators, and one signal per guardrail."""
    age = scope.span_age
    now, before = breaches(scope.now, scope.scores_now), breaches(scope.before, scope.scores_before)
    names = sorted({name for reading in (*scope.now, *scope.before) for name in reading.guarded})
    return (
        share_of(
            scope,
            "policy_hits",
            "tasks tripped a policy guardrail",
            watched(scope.now),
            watched(scope.before),
            tripped,
            fresh_seconds=age,
        ),
        share(
            scope,
            "breaches",
            "tasks broke policy, by guardrail or judge",
            now,
            before,
            fresh_seconds=age,
        ),
        *worst_slice(scope, now, before),
        share(
            scope,
            "policy_verdicts",
            "answers were judged against policy",
            judged(scope.scores_now, Judgement.CONDUCT),
            judged(scope.scores_before, Judgement.CONDUCT),
            fresh_seconds=age_of(scope, Judgement.CONDUCT),
        ),
        *(guardrail(scope, name) for name in names),
    )


def breaches(readings: Iterable[Reading], scores: Sequence[EvalScore]) -> list[Seen]:
    """One observation per task watched or judged: bad when a guardrail tripped or a judge failed it.

    Both often see the same breach; counted together it counts once.
    """
    hit = {seen.trace_id: seen for seen in tasks(watched(readings), tripped)}
    for seen in judged(scores, Judgement.CONDUCT):
        known = hit.get(seen.trace_id)
        if known is None or not seen.trace_id:
            hit[seen.trace_id or f"#{len(hit)}"] = seen
        elif seen.bad:
            hit[seen.trace_id] = seen
    return list(hit.values())


def watched(readings: Iterable[Reading]) -> list[Reading]:
    """Tasks that a policy guardrail looked at."""
    return [reading for reading in readings if reading.guarded and _for_policy(reading.guarded)]


@lru_cache(1024)  # most tasks pass the same guardrails
def _for_policy(guardrails: tuple[str, ...]) -> bool:
    return not all(is_security(name) for name in guardrails)


def tripped(reading: Reading) -> bool:
    """A policy guardrail raised an alarm."""
    return bool(reading.policy_hits)


def guardrail(scope: Scope, name: str) -> Signal:
    """Hits of one guardrail, named "guardrail:<name>"."""

    def hit(reading: Reading) -> bool:
        return name in reading.policy_hits or name in reading.security_hits

    return share_of(
        scope,
        f"guardrail:{name}",
        f"tasks tripped {name}",
        [reading for reading in scope.now if name in reading.guarded],
        [reading for reading in scope.before if name in reading.guarded],
        hit,
        fresh_seconds=scope.span_age,
    )


def worst_slice(scope: Scope, broken: Sequence[Seen], broken_before: Sequence[Seen]) -> tuple[Signal, ...]:
    """The slice of tasks in which breaches grew most, when there is one; the breaches are of now and before."""
    bad = {seen.trace_id for seen in broken if seen.bad}
    slices = sorted({name for reading in scope.now if reading.id in bad for name in slices_of(reading)})
    if not slices:
        return ()
    now, before = _in_slices(scope.now, broken), _in_slices(scope.before, broken_before)
    found = [
        share(
            scope,
            "breaches_slice",
            f"tasks broke policy ({name})",
            now.get(name, ()),
            before.get(name, ()),
            fresh_seconds=scope.span_age,
            note=name,
        )
        for name in slices
    ]
    return tuple(sorted(found, key=growth)[-1:])


def _in_slices(readings: Sequence[Reading], broken: Sequence[Seen]) -> dict[str, list[Seen]]:
    """The breaches of the tasks in each slice; each task is looked at once, however many slices it belongs to."""
    slices = {reading.id: slices_of(reading) for reading in readings}
    found: dict[str, list[Seen]] = {}
    for seen in broken:
        for name in slices.get(seen.trace_id, ()):
            found.setdefault(name, []).append(seen)
    return found


def slices_of(reading: Reading) -> tuple[str, ...]:
    """The cohorts a task belongs to: conversation length, language, kind of task."""
    depths = [f"turn {depth} and later" for depth in DEPTHS if reading.turn is not None and reading.turn >= depth]
    locale = f"users in {reading.locale}" if reading.locale else None
    kind = f"tasks of type {reading.task_type}" if reading.task_type else None
    return tuple(name for name in (*depths, locale, kind) if name)
