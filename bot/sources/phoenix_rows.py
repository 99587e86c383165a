"""What Phoenix says, in our words: its description of itself, its spans and its annotations."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.incident.telemetry import EvalScore
from bot.sources import attributes as names
from bot.sources.raw_spans import ERROR_STATUS, RawEvent, RawSpan
from bot.sources.scores import score_from
from bot.sources.vendor_evidence import clean
from bot.sources.vendor_pages import rows_in
from bot.sources.vendor_rows import (
    Row,
    Unreadable,
    identifier_in,
    map_in,
    nanoseconds,
    number_in,
    present,
    said_in,
    span_id_of,
    trace_id_of,
)

_STATUS = {"OK": 1, "ERROR": ERROR_STATUS}
_PARAMETERS = "tool.parameters"


@dataclass(frozen=True, slots=True)
class Abilities:
    """What this Phoenix offers: the parameters of each endpoint, empty where the endpoint is missing."""

    traces: frozenset[str] = frozenset()
    spans: frozenset[str] = frozenset({"start_time", "end_time", "cursor", "limit"})
    trace_annotations: frozenset[str] = frozenset()
    span_annotations: frozenset[str] = frozenset()

    @property
    def lists_traces(self) -> bool:
        """Traces can be listed, and spans asked for by trace."""
        return "start_time" in self.traces and "trace_id" in self.spans


def abilities_in(description: object) -> Abilities:
    """What an OpenAPI description offers; the oldest way of asking where there is none."""
    paths = map_in(description, "paths") if isinstance(description, dict) else {}
    if not paths:
        return Abilities()
    offered = {re.sub(r"\{[^}]*\}", "{}", path): _parameters(paths, path) for path in paths}
    project = "/v1/projects/{}"
    return Abilities(
        traces=offered.get(f"{project}/traces", frozenset()),
        spans=offered.get(f"{project}/spans", frozenset()),
        trace_annotations=offered.get(f"{project}/trace_annotations", frozenset()),
        span_annotations=offered.get(f"{project}/span_annotations", frozenset()),
    )


def _parameters(paths: Row, path: str) -> frozenset[str]:
    said = rows_in(map_in(map_in(paths, path), "get"), "parameters")
    return frozenset(said_in(one, "name") for one in said if isinstance(one, dict))


def naming(agent_names: frozenset[str]) -> str:
    """Phoenix's filter for traces whose root names one of these agents. Only the bracket form matches."""
    wanted = f"[{', '.join(map(repr, sorted(agent_names)))}]"
    return " or ".join(f"attributes[{name!r}] in {wanted}" for name in names.AGENT)


def read_span(row: Row) -> RawSpan:
    """One row of ``/spans``.

    Raises:
        Unreadable: it has no ids or no start.
    """
    context = map_in(row, "context")
    parent, kind = said_in(row, "parent_id"), said_in(row, "span_kind").upper()
    attributes: Any = clean(map_in(row, "attributes"))
    start_ns = nanoseconds(row.get("start_time"))
    return RawSpan(
        trace_id=trace_id_of(identifier_in(context, "trace_id")),
        span_id=span_id_of(identifier_in(context, "span_id")),
        parent_id=span_id_of(parent) if parent else "",
        name=said_in(row, "name"),
        start_ns=start_ns,
        end_ns=_moment(row, "end_time", start_ns),
        status=_STATUS.get(said_in(row, "status_code").upper(), 0),
        status_message=said_in(row, "status_message"),
        attributes={**({names.KIND[0]: kind} if kind not in {"", "UNKNOWN"} else {}), **_rejoined(attributes)},
        events=[read_event(event, start_ns) for event in rows_in(row, "events") if isinstance(event, dict)],
    )


def read_event(row: Row, start_ns: int) -> RawEvent:
    """One event of a span; without a readable time it happened when the span began."""
    attributes: Any = clean(map_in(row, "attributes"))
    return RawEvent(said_in(row, "name"), _moment(row, "timestamp", start_ns), attributes)


def _moment(row: Row, name: str, otherwise: int) -> int:
    try:
        return nanoseconds(row.get(name))
    except Unreadable:
        return otherwise


def _rejoined(attributes: Mapping[str, object]) -> Mapping[str, object]:
    """Phoenix takes ``tool.parameters`` apart into one attribute a leaf; together they are the arguments again."""
    leaves = {name: value for name, value in attributes.items() if name.startswith(f"{_PARAMETERS}.")}
    if not leaves or _PARAMETERS in attributes:
        return attributes
    whole = {name.removeprefix(f"{_PARAMETERS}."): value for name, value in leaves.items()}
    rest = {name: value for name, value in attributes.items() if name not in leaves}
    return {**rest, _PARAMETERS: json.dumps(whole, sort_keys=True, ensure_ascii=False)}


def read_annotation(row: Row, trace_of_span: Mapping[str, str]) -> EvalScore | None:
    """One annotation as a score; None where it holds only a note. Notes on spans we did not read are dropped too.

    Raises:
        Unreadable: it says neither what it is about nor when it was made.
    """
    result, span = map_in(row, "result"), said_in(row, "span_id")
    label, value = said_in(result, "label"), number_in(result, "score")
    span_id = span_id_of(span) if span else ""
    trace_id = trace_of_span.get(span_id, "") if span else trace_id_of(identifier_in(row, "trace_id"))
    if not trace_id or (not label and value is None):
        return None
    told = {
        names.EVALUATION_NAME[0]: said_in(row, "name"),
        names.EVALUATION_VALUE[0]: value,
        names.EVALUATION_LABEL[0]: label,
        names.EVALUATION_EXPLANATION[0]: said_in(result, "explanation"),
    }
    at_ns = nanoseconds(row.get("updated_at") or row.get("created_at"))
    return score_from(RawEvent(names.EVALUATION_EVENT, at_ns, present(told)), trace_id, span_id)
