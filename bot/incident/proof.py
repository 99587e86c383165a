"""Does the agent obey? Judged from traces that started after the mitigation was applied."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import PROOF_DEADLINE, Effect, Mitigation, Verdict
from bot.incident.telemetry import Trace

GRACE = timedelta(seconds=1)  # tasks that start within it may not have read the control yet
ENOUGH = 3  # tasks that obeyed, before we say so
REPORTING_LAG = timedelta(seconds=10)  # telemetry may arrive this late


def observe(mitigation: Mitigation, traces: Sequence[Trace], now: datetime) -> Effect:
    """The effect on tasks of ``traces`` that started more than a second after applying.

    OBSERVED needs three finished tasks that obey and none that does not; a task that does
    not obey makes it INEFFECTIVE. Without enough traffic by the deadline it is UNPROVEN.
    """
    since_ns = int((mitigation.applied_at + GRACE).timestamp() * 1e9)
    started = [trace for trace in traces if trace.start_ns >= since_ns]
    broken = [trace for trace in started if not obeys(mitigation, trace)]
    obeyed = [trace for trace in started if trace.complete and obeys(mitigation, trace)]
    k, n = len(obeyed), len(obeyed) + len(broken)
    what = describe(mitigation)
    if broken:
        detail = f"{len(broken)} of {n} tasks started since did not obey: {what}"
        return Effect(Verdict.INEFFECTIVE, k, n, detail, tuple(trace.id for trace in broken[:5]))
    if k >= ENOUGH:
        return Effect(Verdict.OBSERVED, k, n, f"{k} of {n} tasks started since obey: {what}", _newest(obeyed))
    if now - mitigation.applied_at > PROOF_DEADLINE:
        seconds = int(PROOF_DEADLINE.total_seconds())
        return Effect(
            Verdict.UNPROVEN, k, n, f"only {n} {'task' if n == 1 else 'tasks'} in {seconds} s, too few to tell"
        )
    return Effect(Verdict.WAITING, k, n, f"{n} {'task' if n == 1 else 'tasks'} finished since; {ENOUGH} are needed")


def obeys(mitigation: Mitigation, trace: Trace) -> bool:
    """One task kept to the control: no model or tool call under a halt, no more model calls than the limit."""
    match mitigation.kind:
        case MitigationKind.HALT:
            return not trace.model_spans and not trace.tool_spans
        case MitigationKind.TURN_LIMIT:
            return mitigation.limit is None or len(trace.model_spans) <= mitigation.limit
        case _:
            return True


def describe(mitigation: Mitigation) -> str:
    """What obeying means, in words."""
    match mitigation.kind:
        case MitigationKind.HALT:
            return "no model call and no tool call"
        case MitigationKind.TURN_LIMIT:
            return f"at most {mitigation.limit} model turns a task"
        case _:
            return mitigation.label


def _newest(traces: Sequence[Trace]) -> tuple[str, ...]:
    return tuple(trace.id for trace in sorted(traces, key=lambda trace: -trace.start_ns)[:3])
