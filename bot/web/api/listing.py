"""Many traces as JSON, written by hand: building and checking models would take longer than reading the traces.

What is written here is described by :class:`bot.web.api.models.traces.TracesShape`; a test holds the two together.
"""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from bot.incident.codec import encode
from bot.incident.errors import BadInput
from bot.incident.evidence import Finding
from bot.incident.outline import Outline, moment
from bot.incident.telemetry import EvalScore

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Written:
    """One trace of the list as JSON."""

    start_ns: int
    json: bytes


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


def page(traces: Sequence[Written], limit: int) -> bytes:
    """A page of at most ``limit`` traces, newest first, with where the next one starts."""
    following = str(traces[-1].start_ns) if len(traces) >= limit else None
    return orjson.dumps({"traces": [orjson.Fragment(one.json) for one in traces], "next": following})


def written(task: Outline, page_of: Callable[[str], str], findings: Sequence[Finding] | None = None) -> Written:
    """One trace of the list, with the address of its page; without ``findings`` where nobody asked for them."""
    head = task.head
    shape = {
        "trace_id": head.id,
        "agent": head.agent,
        "environment": head.environment,
        "session_id": head.session_id,
        "start": moment(head.start_ns),
        "seconds": max(0, head.end_ns - head.start_ns) / 1e9,
        "error": head.error,
        "failed": head.failed,
        "complete": head.complete,
        "agent_version": head.agent_version,
        "prompt_version": head.prompt_version,
        "provider": head.provider,
        "task": head.task,
        "scores": [_score(given) for given in task.scores],
        "url": page_of(head.id) or None,
        "steps": task.steps,
        "findings": findings,
    }
    return Written(head.start_ns, _dumped(shape))


def _dumped(value: Json) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # half a character, which JSON can only carry escaped
        plain = json.loads(json.dumps(encode(value)), parse_constant=lambda _: None)
        return json.dumps(plain).encode()


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
