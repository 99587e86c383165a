"""What is notable inside one task, for the page of that task and for the bundle."""

from bot.incident.detectors.actions import unapproved, unbacked_claims, writes_of
from bot.incident.detectors.loop import Loop, loop_in
from bot.incident.detectors.security import untrusted_then_privileged
from bot.incident.detectors.swap import swapped
from bot.incident.evidence import Finding, FindingKind
from bot.incident.quantities import duration
from bot.incident.telemetry import Span, SpanKind, Trace

SLOW_SECONDS = 10.0
SLOW_RATIO = 5.0  # times the median step of the same task
FEWEST_STEPS = 4


def findings_of(trace: Trace) -> tuple[Finding, ...]:
    """Everything the detectors see in one trace, the gravest kinds first."""
    return findings_with(trace, loop_in(trace))


def findings_with(trace: Trace, loop: Loop | None) -> tuple[Finding, ...]:
    """As :func:`findings_of`, where the trace was searched for a loop already."""
    return (
        *_security(trace),
        *_actions(trace),
        *_loops(trace, loop),
        *(finding for span in trace.spans for finding in _step(span)),
        *_slow(trace),
    )


def _security(trace: Trace) -> list[Finding]:
    led = untrusted_then_privileged(trace)
    if not led:
        return []
    names = [span.tool.name for span in led if span.tool]
    detail = f"{', '.join(names[1:])} called after untrusted content from {names[0]}"
    return [Finding(FindingKind.UNTRUSTED_THEN_PRIVILEGED, trace.id, _ids(led), detail)]


def _actions(trace: Trace) -> list[Finding]:
    found = [
        Finding(
            FindingKind.UNAPPROVED_WRITE,
            trace.id,
            (span.span_id,),
            f"{span.tool.name if span.tool else span.name} wrote without an approval",
        )
        for span in unapproved(writes_of(trace))
    ]
    claims = unbacked_claims(trace)
    if claims:
        root = tuple(span.span_id for span in trace.spans if span.parent_id is None)
        detail = f"claims {', '.join(claims)}, and no successful call shows it"
        found.append(Finding(FindingKind.CLAIMED_WITHOUT_SUCCESS, trace.id, root, detail))
    return found


def _loops(trace: Trace, loop: Loop | None) -> list[Finding]:
    if loop is None:
        return []
    return [Finding(FindingKind.LOOP, trace.id, loop.span_ids, f"{loop.what}, {loop.times} times")]


def _step(span: Span) -> list[Finding]:
    """Findings of a single step."""
    found = []
    if span.guardrail and span.guardrail.triggered:
        found.append((FindingKind.GUARDRAIL, f"guardrail {span.guardrail.name} triggered"))
    if span.tool and span.error:
        found.append((FindingKind.TOOL_ERROR, f"{span.tool.name} failed{_why(span)}"))
    if span.model and span.error:
        found.append((FindingKind.MODEL_ERROR, f"the model call failed{_why(span)}"))
    if span.model and swapped(span):
        found.append((FindingKind.MODEL_MISMATCH, f"asked {span.model.requested}, answered by {span.model.answering}"))
    return [Finding(kind, span.trace_id, (span.span_id,), detail) for kind, detail in found]


def _slow(trace: Trace) -> list[Finding]:
    """Steps that took far longer than the task's other steps."""
    steps = [span for span in trace.spans if span.kind in {SpanKind.LLM, SpanKind.TOOL, SpanKind.RETRIEVAL}]
    if len(steps) < FEWEST_STEPS:
        return []
    usual = sorted(span.seconds for span in steps)[len(steps) // 2]
    return [
        Finding(
            FindingKind.SLOW_STEP,
            trace.id,
            (span.span_id,),
            f"{span.name} took {duration(span.seconds)}; a usual step of this task takes {duration(usual)}",
        )
        for span in steps
        if span.seconds > max(SLOW_SECONDS, SLOW_RATIO * usual)
    ]


def _why(span: Span) -> str:
    return f": {span.error_type}" if span.error_type else ""


def _ids(spans: tuple[Span, ...]) -> tuple[str, ...]:
    return tuple(span.span_id for span in spans)
