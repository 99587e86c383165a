"""Conduct: guardrails and evaluators that watch for policy, and whether it depends on who asks or how long."""

from collections.abc import Iterable

from bot.incident.detectors.security import is_security
from bot.incident.evidence import Signal
from bot.incident.signals.measure import Seen, growth, share, tasks
from bot.incident.signals.quality import is_conduct, judged
from bot.incident.signals.reading import Reading
from bot.incident.signals.scope import Scope

DEEP = 8  # turns from which a conversation is long


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Policy hits overall, in their worst slice and by evaluators, and one signal per guardrail."""
    age = scope.span_age
    names = sorted({name for reading in (*scope.now, *scope.before) for name in reading.guarded})
    return (
        share(
            scope,
            "policy_hits",
            "tasks tripped a policy guardrail",
            policy(scope.now),
            policy(scope.before),
            fresh_seconds=age,
        ),
        *worst_slice(scope),
        share(
            scope,
            "policy_verdicts",
            "answers were judged against policy",
            judged(scope.scores_now, is_conduct),
            judged(scope.scores_before, is_conduct),
            fresh_seconds=scope.score_age,
        ),
        *(guardrail(scope, name) for name in names),
    )


def policy(readings: Iterable[Reading]) -> list[Seen]:
    """One observation per task that a policy guardrail looked at."""
    watched = [reading for reading in readings if any(not is_security(name) for name in reading.guarded)]
    return tasks(watched, lambda reading: bool(reading.policy_hits))


def guardrail(scope: Scope, name: str) -> Signal:
    """Hits of one guardrail, named "guardrail:<name>"."""

    def hit(reading: Reading) -> bool:
        return name in (*reading.policy_hits, *reading.security_hits)

    return share(
        scope,
        f"guardrail:{name}",
        f"tasks tripped {name}",
        tasks((reading for reading in scope.now if name in reading.guarded), hit),
        tasks((reading for reading in scope.before if name in reading.guarded), hit),
        fresh_seconds=scope.span_age,
    )


def worst_slice(scope: Scope) -> tuple[Signal, ...]:
    """The slice of tasks in which policy hits grew most, when there is one."""
    slices = sorted({name for reading in scope.now if reading.policy_hits for name in slices_of(reading)})
    found = [_slice(scope, name) for name in slices]
    return tuple(sorted(found, key=growth)[-1:])


def _slice(scope: Scope, name: str) -> Signal:
    return share(
        scope,
        "policy_hits_slice",
        f"tasks tripped a policy guardrail ({name})",
        policy(reading for reading in scope.now if name in slices_of(reading)),
        policy(reading for reading in scope.before if name in slices_of(reading)),
        fresh_seconds=scope.span_age,
        note=name,
    )


def slices_of(reading: Reading) -> tuple[str, ...]:
    """The cohorts a task belongs to: conversation length, language, kind of task."""
    task = reading.trace.task
    depth = None if task.turn is None else f"turn {DEEP} and later" if task.turn >= DEEP else f"turns below {DEEP}"
    locale = f"users in {task.locale}" if task.locale else None
    kind = f"tasks of type {task.type}" if task.type else None
    return tuple(name for name in (depth, locale, kind) if name)
