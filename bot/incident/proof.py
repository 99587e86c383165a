"""The proof that a mitigation works: read back, delivered, and observed in traces that started after it was applied."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import BUILT_IN, PROOF_DEADLINE, Mitigation
from bot.incident.obedience import UNSEEN, describe, obeys, within
from bot.incident.quantities import duration
from bot.incident.telemetry import Trace

GRACE = timedelta(seconds=1)  # tasks that start within it may not have read the control yet
SLOW = timedelta(seconds=20)  # the same for control planes that clients poll, every 15 s by default
CACHED = timedelta(seconds=75)  # prompts fetched from elsewhere are cached for 60 s
ENOUGH = 3  # tasks that obeyed, before we say so
ENOUGH_AGAIN = 10  # the same after one that did not obey
FEWER_FROM = 30  # tasks there have to be before, to see that there are fewer now

OVER_TIME = frozenset({MitigationKind.RATE_CAP, MitigationKind.CANARY_SHARE})  # only many tasks together show them


@dataclass(frozen=True, slots=True)
class ReadBack:
    """What the public read path answered when asked after applying.

    ``differs``: it answered, and what it said is not what is in force. Neither: it could not tell.
    """

    confirmed: bool
    detail: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Delivery:
    """How many of the agent's instances have read a revision that contains the mitigation."""

    instances: int
    reached: int
    seconds: float | None = None  # from applying until the last of them read it
    stale: tuple[str, ...] = ()  # names of instances that have not, 20 at most


class Verdict(StrEnum):
    """What traces that started after applying say about the effect."""

    OBSERVED = "observed"
    WAITING = "waiting"
    INEFFECTIVE = "ineffective"
    UNPROVEN = "unproven"  # no traffic, so nothing is claimed


@dataclass(frozen=True, slots=True)
class Effect:
    """``k`` of ``n`` tasks started since obeyed the mitigation."""

    verdict: Verdict
    k: int
    n: int
    detail: str
    trace_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Proof:
    """The three signals together, as of one moment."""

    read_back: ReadBack
    delivery: Delivery
    effect: Effect


@dataclass(frozen=True, slots=True)
class Before:
    """How many tasks started in the ``seconds`` before the mitigation, to compare with."""

    tasks: int
    seconds: float


def observe(mitigation: Mitigation, traces: Sequence[Trace], now: datetime, before: Before | None = None) -> Effect:
    """The effect on tasks of ``traces`` that started a moment after applying and that the scope binds.

    OBSERVED needs three finished tasks that obey and none that does not; a task that does not obey makes
    it INEFFECTIVE, until ten after it have obeyed. Without enough traffic by the deadline, and where
    telemetry cannot show it, it is UNPROVEN.
    """
    since_ns = int((mitigation.applied_at + grace(mitigation)).timestamp() * 1e9)
    started = [trace for trace in traces if trace.start_ns >= since_ns]
    bound = [trace for trace in started if within(mitigation.scope, trace)]
    if mitigation.kind in OVER_TIME:
        return _over_time(mitigation, bound, now, before)
    verdicts = [(trace, obeys(mitigation, trace)) for trace in sorted(bound, key=lambda trace: trace.start_ns)]
    broken = [trace for trace, obeyed in verdicts if obeyed is False]
    obeyed = [trace for trace, verdict in verdicts if trace.complete and verdict]
    k, n = len(obeyed), len(obeyed) + len(broken)
    what = describe(mitigation)
    if broken and not _mended(obeyed, broken):
        detail = f"{len(broken)} of {n} tasks started since did not obey: {what}"
        return Effect(Verdict.INEFFECTIVE, k, n, detail, tuple(trace.id for trace in broken[:5]))
    if k >= ENOUGH:
        k, n = (len(_after(obeyed, broken)),) * 2 if broken else (k, n)
        return Effect(Verdict.OBSERVED, k, n, f"{k} of {n} tasks started since obey: {what}", _newest(obeyed))
    return _doubt(mitigation, k, started, now)


def grace(mitigation: Mitigation) -> timedelta:
    """How long after applying a task may start without having read it."""
    if mitigation.driver == BUILT_IN:
        return GRACE
    return CACHED if mitigation.kind is MitigationKind.PROMPT_PIN else SLOW


def _doubt(mitigation: Mitigation, n: int, started: Sequence[Trace], now: datetime) -> Effect:
    over = now - mitigation.applied_at > PROOF_DEADLINE + grace(mitigation) - GRACE
    if not over:
        tasks = "task" if n == 1 else "tasks"
        return Effect(Verdict.WAITING, n, n, f"{n} {tasks} finished since; {ENOUGH} are needed")
    finished = [trace for trace in started if trace.complete]
    unplaced = [trace for trace in finished if within(mitigation.scope, trace) is None]
    if unplaced:
        where = mitigation.scope.in_words
        return Effect(Verdict.UNPROVEN, n, n, f"telemetry does not say whether its tasks are of {where}")
    if len(finished) >= ENOUGH and mitigation.kind in UNSEEN:
        return Effect(Verdict.UNPROVEN, n, n, UNSEEN[mitigation.kind])
    tasks = "task" if n == 1 else "tasks"
    return Effect(
        Verdict.UNPROVEN, n, n, f"only {n} {tasks} in {duration(PROOF_DEADLINE.total_seconds())}, too few to tell"
    )


def _over_time(mitigation: Mitigation, bound: Sequence[Trace], now: datetime, before: Before | None) -> Effect:
    """Tasks counted over time: at most so many a minute, or at most a share of those there were before."""
    seconds = (now - mitigation.applied_at - grace(mitigation)).total_seconds()
    n, figure, what = len(bound), mitigation.limit or 0, describe(mitigation)
    if seconds < 60:  # noqa: PLR2004  a minute, the unit of the cap
        return Effect(Verdict.WAITING, n, n, f"{max(0, int(seconds))} of 60 s counted: {what}")
    if not n and mitigation.kind is MitigationKind.RATE_CAP:
        return _doubt(mitigation, 0, bound, now)
    if mitigation.kind is MitigationKind.RATE_CAP:
        busiest = _busiest_minute(bound)
        verdict = Verdict.OBSERVED if busiest <= figure else Verdict.INEFFECTIVE
        return Effect(
            verdict, min(n, figure), n, f"{busiest} tasks in the busiest minute since: {what}", _newest(bound)
        )
    if before is None or before.tasks < FEWER_FROM:
        known = before.tasks if before else 0
        return Effect(Verdict.UNPROVEN, n, n, f"only {known} tasks before it to compare with, {FEWER_FROM} are needed")
    expected = before.tasks / before.seconds * seconds * figure / 100
    chance = 2 * max(1.0, expected) ** 0.5  # of a Poisson count: twice its standard deviation
    verdict = Verdict.OBSERVED if n <= expected + chance else Verdict.INEFFECTIVE
    detail = f"{n} tasks since, {expected:.0f} expected: {what}"
    return Effect(verdict, n, max(n, round(expected)), detail, _newest(bound))


def _busiest_minute(traces: Sequence[Trace]) -> int:
    starts = sorted(trace.start_ns for trace in traces)
    minute, most, first = 60 * 1_000_000_000, 0, 0
    for last, start in enumerate(starts):
        while start - starts[first] >= minute:
            first += 1
        most = max(most, last - first + 1)
    return most


def _mended(obeyed: Sequence[Trace], broken: Sequence[Trace]) -> bool:
    return len(_after(obeyed, broken)) >= ENOUGH_AGAIN


def _after(obeyed: Sequence[Trace], broken: Sequence[Trace]) -> list[Trace]:
    last = max(trace.start_ns for trace in broken)
    return [trace for trace in obeyed if trace.start_ns > last]


def _newest(traces: Sequence[Trace]) -> tuple[str, ...]:
    return tuple(trace.id for trace in sorted(traces, key=lambda trace: -trace.start_ns)[:3])
