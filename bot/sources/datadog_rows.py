"""Datadog's spans and the evaluations inside them in our nouns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bot.incident.telemetry import EvalScore
from bot.ports import SourceAsk, SourceFound
from bot.sources.normalise import span_from
from bot.sources.raw_spans import ERROR_STATUS, LATEST_NS, RawEvent, RawSpan
from bot.sources.scores import score_from
from bot.sources.vendor_pages import Pages, first_of_each, missing_rows, newest_traces, scores_in_time
from bot.sources.vendor_rows import (
    Row,
    Unreadable,
    clock_time,
    flat,
    identifier_in,
    map_in,
    number_in,
    present,
    readable,
    said_in,
    span_id_of,
    trace_id_of,
)

NAME = "Datadog"
NANODOLLARS = 1e9  # the unit of the estimated costs
MILLISECONDS_BEFORE = 10**14  # a "nanosecond" smaller than this is a millisecond: as such it lies before the year 5138

_KINDS = {
    "agent": "agent",
    "workflow": "workflow",
    "llm": "llm",
    "tool": "tool",
    "retrieval": "retriever",
    "embedding": "embedding",
    "guardrail": "guardrail",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """One span with its scores, and the vendor's id of its trace."""

    raw: RawSpan
    scores: tuple[EvalScore, ...]
    trace: str


def is_root(row: Row) -> bool:
    """The span begins a task. Datadog's libraries write ``undefined`` where there is no parent."""
    return said_in(map_in(row, "attributes"), "parent_id") in {"", "undefined", "0", "null"}


def read_spans(pages: Pages, ask: SourceAsk, site: str) -> SourceFound:
    """Traces and scores of the spans that came.

    Where the look ended early, the traces whose root was not reached are left out: their first steps are missing.
    """
    readings, bad = readable(first_of_each(pages.rows, "id"), lambda row: reading_of(row, ask.agent))
    missing: tuple[str, ...] = missing_rows(NAME, "spans", bad)
    if pages.failure:
        rooted = {one.raw.trace_id for one in readings if not one.raw.parent_id}
        oldest = min((one.raw.start_ns for one in readings), default=ask.start_ns)
        readings = [one for one in readings if one.raw.trace_id in rooted]
        missing = (f"{pages.failure} Spans before {clock_time(oldest)} are missing.", *missing)
    traces = newest_traces((span_from(one.raw) for one in readings), ask)
    vendors = {one.raw.trace_id: one.trace for one in readings}
    return SourceFound(
        traces=traces,
        scores=scores_in_time((score for one in readings for score in one.scores), ask),
        links={trace.id: f"{site}/llm/traces?query=trace_id:{quote(vendors[trace.id], safe='')}" for trace in traces},
        missing=missing,
    )


def reading_of(resource: Row, agent: str) -> Reading:
    """A span with its scores.

    Raises:
        Unreadable: it has no id, no trace or no start.
    """
    row = map_in(resource, "attributes")
    trace, span = identifier_in(row, "trace_id"), said_in(row, "span_id") or identifier_in(resource, "id")
    start = start_of(row)
    took = number_in(row, "duration") or 0
    raw = RawSpan(
        trace_id=trace_id_of(trace),
        span_id=span_id_of(span),
        parent_id="" if is_root(resource) else span_id_of(said_in(row, "parent_id")),
        name=said_in(row, "name"),
        start_ns=start,
        end_ns=min(LATEST_NS, start + max(0, int(took))),
        status=ERROR_STATUS if said_in(row, "status") == "error" else 0,
        attributes=_told(row),
    )
    return Reading(raw, scores_of(row, raw, agent), trace)


def start_of(row: Row) -> int:
    """The span's start in nanoseconds; Datadog's own example has milliseconds in that field.

    Raises:
        Unreadable: there is none, or none of our time.
    """
    said = row.get("start_ns")
    if isinstance(said, bool) or not isinstance(said, int) or not 0 < said <= LATEST_NS:
        raise Unreadable("start_ns")
    return said * 1_000_000 if said < MILLISECONDS_BEFORE else said


def tags_of(row: Row) -> dict[str, str]:
    """The tags, written as ``name:value``, without the empty ones; the first of a name counts."""
    tags: dict[str, str] = {}
    listed = row.get("tags")
    for tag in listed if isinstance(listed, list) else ():
        name, _, value = said_in({"tag": tag}, "tag").partition(":")
        if name and value:
            tags.setdefault(name, value)
    return tags


def _told(row: Row) -> dict[str, object]:
    kind, tags = said_in(row, "span_kind").lower(), tags_of(row)
    failed = said_in(row, "status") == "error"
    return flat(map_in(row, "metadata")) | present(
        {
            "openinference.span.kind": _KINDS.get(kind, ""),
            "gen_ai.agent.name": said_in(row, "name") if kind == "agent" else "",
            "gen_ai.agent.version": tags.get("version"),
            "gen_ai.conversation.id": tags.get("session_id"),
            "deployment.environment.name": tags.get("env"),
            "service.name": tags.get("service"),
            "error.type": (tags.get("error_type") or tags.get("error.type")) if failed else None,
        }
        | (_model_call(row) if kind in {"llm", "embedding"} else {})
        | (_tool_call(row) if kind == "tool" else _words(row))
    )


def _model_call(row: Row) -> dict[str, object]:
    metrics = map_in(row, "metrics")
    cost = number_in(metrics, "estimated_total_cost")
    return {
        "gen_ai.request.model": said_in(row, "model_name"),
        "gen_ai.provider.name": said_in(row, "model_provider"),
        "gen_ai.usage.input_tokens": number_in(metrics, "input_tokens"),
        "gen_ai.usage.output_tokens": number_in(metrics, "output_tokens"),
        "gen_ai.usage.cache_read.input_tokens": number_in(metrics, "cache_read_input_tokens"),
        "gen_ai.usage.cost": None if cost is None else cost / NANODOLLARS,
        "gen_ai.response.time_to_first_chunk": number_in(metrics, "time_to_first_token"),
    }


def _tool_call(row: Row) -> dict[str, object]:
    return {
        "gen_ai.tool.name": said_in(row, "name"),
        "gen_ai.tool.call.arguments": body_of(row, "input"),
        "gen_ai.tool.call.result": body_of(row, "output"),
    }


def _words(row: Row) -> dict[str, object]:
    """What a step was told and said; messages stay whole where they ask for tools."""
    messages = map_in(row, "output").get("messages")
    calls = isinstance(messages, list) and any(isinstance(one, dict) and one.get("tool_calls") for one in messages)
    return {
        "gen_ai.prompt": body_of(row, "input"),
        "gen_ai.completion": said_in({"messages": messages}, "messages") if calls else body_of(row, "output"),
    }


def body_of(row: Row, name: str) -> str:
    """What a span got or gave: its value, else the contents of its messages."""
    body = map_in(row, name)
    listed: Any = body.get("messages")
    messages = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return said_in(body, "value") or "\n".join(filter(None, (said_in(one, "content") for one in messages)))


def scores_of(row: Row, raw: RawSpan, agent: str) -> tuple[EvalScore, ...]:
    """The evaluations of a span; those of a task's first span are the task's."""
    evaluations: Mapping[str, Any] = map_in(row, "evaluation")
    return tuple(
        score_of(name, map_in(evaluations, name), raw, agent) for name in evaluations if map_in(evaluations, name)
    )


def score_of(name: str, found: Row, raw: RawSpan, agent: str) -> EvalScore:
    """One evaluation. Datadog's own assessment decides where there is one; a failed evaluation decides nothing."""
    value = found.get("value") if said_in(found, "status").upper() != "ERROR" else None
    told: dict[str, object] = {
        "gen_ai.agent.name": agent,
        "gen_ai.evaluation.name": said_in({"name": name}, "name"),
        "gen_ai.evaluation.score.value": number_in({"value": value}, "value"),
        "gen_ai.evaluation.score.label": said_in({"value": value}, "value") if isinstance(value, str | bool) else "",
        "gen_ai.evaluation.explanation": said_in(found, "reasoning"),
    }
    event = RawEvent("evaluation", raw.end_ns, present(told))
    score = score_from(event, raw.trace_id, raw.span_id if raw.parent_id else "")
    assessed = {"pass": True, "fail": False}.get(said_in(found, "assessment").lower())
    return score if assessed is None else score._replace(passed=assessed)
