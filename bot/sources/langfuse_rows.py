"""Langfuse's observations and scores in our nouns.

Only fields of its OpenAPI description are relied on; what an OpenTelemetry exporter sent is found again under
an observation's metadata.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import chain
from urllib.parse import quote

from bot.incident.telemetry import EvalScore, Span
from bot.ports import SourceAsk, SourceFound
from bot.sources.normalise import span_from
from bot.sources.raw_spans import ERROR_STATUS, RawEvent, RawSpan
from bot.sources.scores import score_from
from bot.sources.vendor_pages import Pages, first_of_each, missing_rows, newest_traces, scores_in_time
from bot.sources.vendor_rows import (
    Row,
    clock_time,
    earliest,
    error_type_in,
    flat,
    identifier_in,
    map_in,
    nanoseconds,
    number_in,
    present,
    readable,
    said_in,
    span_id_of,
    trace_id_of,
)

NAME = "Langfuse"
UNSET_ENVIRONMENT = "default"  # what Langfuse writes where nobody set one; the resource may still name it

_KINDS = {
    "GENERATION": "llm",
    "AGENT": "agent",
    "TOOL": "tool",
    "CHAIN": "chain",
    "RETRIEVER": "retriever",
    "EMBEDDING": "embedding",
    "GUARDRAIL": "guardrail",
    "EVALUATOR": "evaluator",
}


@dataclass(frozen=True, slots=True)
class Observed:
    """What came: observations without bodies, and the bodies of tool calls and of what models and agents said."""

    steps: Pages
    calls: Pages
    words: Pages


@dataclass(frozen=True, slots=True)
class Seen:
    """What the observations gave: spans, and the pages of their traces."""

    spans: list[Span]
    links: Mapping[str, str]  # trace id -> its page
    missing: tuple[str, ...]


def is_root(row: Row) -> bool:
    """The observation begins a task: it has no parent, or its SDK calls it the application's root."""
    return row.get("isRootObservation") is True or not row.get("parentObservationId")


def read_all(observed: Observed, judged: Pages, ask: SourceAsk, url: str) -> SourceFound:
    """Traces, scores and links of what came, and what is missing."""
    seen = read_observations(observed, url)
    traces = newest_traces(seen.spans, ask)
    scores, without_scores = read_scores(judged, ask)
    return SourceFound(
        traces=traces,
        scores=scores,
        links={trace.id: seen.links[trace.id] for trace in traces},
        missing=seen.missing + without_scores,
    )


def read_observations(observed: Observed, url: str) -> Seen:
    """Spans of the observations, with the bodies that came.

    Where the steps ended early, the traces whose root was not reached are left out: their first steps are missing.
    """
    bodies = {row["id"]: row for row in [*observed.calls.rows, *observed.words.rows] if has_id(row)}
    good, bad = readable(first_of_each(observed.steps.rows, "id"), lambda row: _observed(row, bodies))
    if observed.steps.failure:
        rooted = {raw.trace_id for raw, _ in good if not raw.parent_id}
        good = [(raw, row) for raw, row in good if raw.trace_id in rooted]
    return Seen(
        spans=[span_from(raw) for raw, _ in good],
        links={raw.trace_id: page_of(row, url) for raw, row in good},
        missing=(*_lacking(observed), *missing_rows(NAME, "observations", bad)),
    )


def _lacking(observed: Observed) -> list[str]:
    parts = (
        (observed.steps, "Steps", "are"),
        (observed.calls, "What tools got and answered", "is"),
        (observed.words, "What models and agents said", "is"),
    )
    return [f"{pages.failure} {what}{_before(pages)} {are} missing." for pages, what, are in parts if pages.failure]


def _before(pages: Pages) -> str:
    """From when on the past is missing, in words; empty where nothing came."""
    since = earliest(pages.rows, "startTime")
    return f" before {clock_time(since)}" if since else ""


def has_id(row: object) -> bool:
    """A row that can be found again."""
    return isinstance(row, dict) and isinstance(row.get("id"), str)


def page_of(row: Row, url: str) -> str:
    """The page of an observation's trace."""
    project, trace = quote(said_in(row, "projectId"), safe=""), quote(said_in(row, "traceId"), safe="")
    return f"{url}/project/{project}/traces/{trace}"


def _observed(row: Row, bodies: Mapping[str, Row]) -> tuple[RawSpan, Row]:
    identifier = identifier_in(row, "id")
    return raw_span({**row, **_body(bodies.get(identifier, {}))}), row


def _body(row: Row) -> dict[str, object]:
    return {name: row[name] for name in ("input", "output") if row.get(name) is not None}


def raw_span(row: Row) -> RawSpan:
    """An observation as a span.

    Raises:
        Unreadable: it has no id, no trace or no start.
    """
    identifier, trace = identifier_in(row, "id"), identifier_in(row, "traceId")
    start = nanoseconds(row.get("startTime"))
    root = is_root(row)
    return RawSpan(
        trace_id=trace_id_of(trace),
        span_id=span_id_of(identifier),
        parent_id="" if root else span_id_of(said_in(row, "parentObservationId")),
        name=said_in(row, "name"),
        start_ns=start,
        end_ns=nanoseconds(row["endTime"]) if row.get("endTime") else start,
        status=ERROR_STATUS if row.get("level") == "ERROR" else 0,
        status_message=said_in(row, "statusMessage"),
        attributes=_told(row) | _original(row),
    )


def _original(row: Row) -> dict[str, object]:
    """The attributes that came in over OpenTelemetry, kept under metadata, and what the team put there itself."""
    metadata = map_in(row, "metadata")
    own = {name.removeprefix("attributes.").removeprefix("resourceAttributes."): metadata[name] for name in metadata}
    return flat(own) | flat(map_in(metadata, "resourceAttributes")) | flat(map_in(metadata, "attributes"))


def _told(row: Row) -> dict[str, object]:
    kind, where = said_in(row, "type"), said_in(row, "environment")
    message = said_in(row, "statusMessage") if row.get("level") == "ERROR" else ""
    return present(
        {
            "openinference.span.kind": _KINDS.get(kind, "chain" if is_root(row) else ""),
            "gen_ai.agent.name": said_in(row, "name") if kind == "AGENT" else "",
            "gen_ai.agent.version": said_in(row, "release", "version"),
            "gen_ai.conversation.id": said_in(row, "sessionId"),
            "deployment.environment.name": "" if where == UNSET_ENVIRONMENT else where,
            "error.type": error_type_in(message),
            "gen_ai.prompt.name": said_in(row, "promptName"),
            "gen_ai.prompt.version": said_in(row, "promptVersion"),
        }
        | (_generation(row) if kind in {"GENERATION", "EMBEDDING"} else {})
        | ({"gen_ai.prompt": said_in(row, "input")} if kind == "AGENT" else {})
        | ({"gen_ai.completion": said_in(row, "output")} if kind in {"AGENT", "GENERATION"} else {})
        | (_tool_call(row) if kind == "TOOL" else {})
        | ({"guardrail.name": said_in(row, "name")} if kind == "GUARDRAIL" else {})
    )


def _generation(row: Row) -> dict[str, object]:
    usage = map_in(row, "usageDetails")
    return {
        "gen_ai.request.model": said_in(row, "providedModelName"),
        "gen_ai.usage.input_tokens": number_in(usage, "input"),
        "gen_ai.usage.output_tokens": number_in(usage, "output"),
        "gen_ai.usage.cache_read.input_tokens": number_in(usage, "input_cached_tokens"),
        "gen_ai.usage.reasoning.output_tokens": number_in(usage, "output_reasoning_tokens"),
        "gen_ai.usage.cost": number_in(row, "totalCost"),
        "gen_ai.response.time_to_first_chunk": number_in(row, "timeToFirstToken"),
    }


def _tool_call(row: Row) -> dict[str, object]:
    result = row.get("output")
    return {
        "gen_ai.tool.name": said_in(row, "name"),
        "gen_ai.tool.call.arguments": said_in(row, "input"),
        "gen_ai.tool.call.result": '""' if result == "" else said_in(row, "output"),
    }


def read_scores(pages: Pages, ask: SourceAsk) -> tuple[tuple[EvalScore, ...], tuple[str, ...]]:
    """The scores of the asked time, and what is missing of them."""
    read, bad = readable(first_of_each(pages.rows, "id"), lambda row: score_of(row, ask.agent))
    lacking = (f"{pages.failure} Some scores are missing.",) if pages.failure else ()
    return scores_in_time(chain.from_iterable(read), ask), lacking + missing_rows(NAME, "scores", bad)


def score_of(row: Row, agent: str) -> list[EvalScore]:
    """A score; none where it is a correction, which is a better answer and no verdict.

    Raises:
        Unreadable: it has no name or no time.
    """
    kind, subject = said_in(row, "dataType"), map_in(row, "subject")
    trace_id, span_id = _subject(subject)
    event = RawEvent(
        name="score",
        at_ns=nanoseconds(row.get("timestamp")),
        attributes=flat(map_in(row, "metadata"))
        | present(
            {
                "gen_ai.agent.name": agent,
                "gen_ai.evaluation.name": identifier_in(row, "name"),
                "gen_ai.evaluation.score.value": number_in(row, "value") if kind == "NUMERIC" else None,
                "gen_ai.evaluation.score.label": said_in(row, "value") if kind in {"CATEGORICAL", "BOOLEAN"} else "",
                "gen_ai.evaluation.explanation": said_in(row, "comment", *(["value"] if kind == "TEXT" else [])),
            }
        ),
    )
    if kind == "CORRECTION":
        return []
    score = score_from(event, trace_id, span_id)
    yes = row.get("value")
    return [score._replace(value=float(yes)) if kind == "BOOLEAN" and isinstance(yes, bool) else score]


def _subject(subject: Row) -> tuple[str, str]:
    identifier = said_in(subject, "id")
    if subject.get("kind") == "observation":
        trace = said_in(subject, "traceId")
        return trace_id_of(trace) if trace else "", span_id_of(identifier)
    return (trace_id_of(identifier), "") if subject.get("kind") == "trace" else ("", "")
