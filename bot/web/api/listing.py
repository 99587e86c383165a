"""Many traces as JSON, written by hand: building and checking models would take longer than reading the traces.

What is written here is described by :class:`bot.web.api.models.TracesShape`; a test holds the two together.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from bot.incident.codec import encode
from bot.incident.detectors.findings import findings_of
from bot.incident.errors import BadInput
from bot.incident.telemetry import EvalScore, Span, Trace
from bot.web.api.shapes import moment

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """How many traces were asked for, and whether with steps and findings."""

    limit: int
    spans: bool
    findings: bool


def cursor_in(text: str | None) -> int | None:
    """Where the page before ended, in nanoseconds since the epoch; None for the first page.

    Raises:
        BadInput: it is no cursor of ours.
    """
    if not text:
        return None
    if not re.fullmatch(r"[0-9]{1,19}", text):
        raise BadInput("before", 'This is no cursor; use the "next" of the answer before, or leave it out.')
    return int(text)


def written(
    traces: Sequence[Trace], scores: Sequence[EvalScore], wanted: Wanted, page_of: Callable[[str], str]
) -> bytes:
    """A page of traces, newest first, with where the next one starts."""
    judged: dict[str, list[Json]] = {}
    for given in scores:
        judged.setdefault(given.trace_id or "", []).append(_score(given))
    listed = [_trace(trace, judged.get(trace.id, []), wanted, page_of(trace.id)) for trace in reversed(traces)]
    following = str(traces[0].start_ns) if len(traces) >= wanted.limit else None
    return _dumped({"traces": listed, "next": following})


def _dumped(value: Json) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # half a character, which JSON can only carry escaped
        plain = json.loads(json.dumps(encode(value)), parse_constant=lambda _: None)
        return json.dumps(plain).encode()


def _trace(trace: Trace, scores: list[Json], wanted: Wanted, url: str) -> Json:
    return {
        "trace_id": trace.id,
        "agent": trace.agent,
        "environment": trace.environment,
        "session_id": trace.session_id,
        "start": moment(trace.start_ns),
        "seconds": max(0, trace.end_ns - trace.start_ns) / 1e9,
        "error": trace.error,
        "failed": trace.failed,
        "complete": trace.complete,
        "agent_version": trace.agent_version,
        "prompt_version": trace.prompt_version,
        "provider": trace.provider,
        "task": trace.task,
        "scores": scores,
        "url": url or None,
        "steps": [_step(span) for span in trace.spans] if wanted.spans else None,
        "findings": findings_of(trace) if wanted.findings else None,
    }


def _step(span: Span) -> Json:
    return {
        "span_id": span.span_id,
        "parent_id": span.parent_id,
        "kind": span.kind.value,
        "name": span.name,
        "start": moment(span.start_ns),
        "seconds": span.seconds,
        "error": span.error,
        "error_type": span.error_type,
        "error_message": span.error_message,
        "tool": span.tool,
        "model": span.model,
        "guardrail": span.guardrail,
        "inferred": span.inferred,
    }


def _score(given: EvalScore) -> Json:
    return {
        "name": given.name,
        "at": moment(given.at_ns),
        "value": given.value,
        "label": given.label,
        "passed": given.passed,
        "span_id": given.span_id,
        "explanation": given.explanation,
    }
