"""What MLflow says, in our words: its traces, spans and assessments.

MLflow takes OTLP apart and puts it together again: ids are hex outside and base64 inside, text that is JSON
comes back as structure, and plain text may come back in quotes.
"""

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bot.incident.telemetry import EvalScore
from bot.sources import attributes as names
from bot.sources.raw_spans import ERROR_STATUS, LATEST_NS, RawEvent, RawSpan
from bot.sources.scores import score_from
from bot.sources.values import first
from bot.sources.vendor_evidence import clean
from bot.sources.vendor_pages import rows_in
from bot.sources.vendor_rows import (
    Row,
    Unreadable,
    identifier_in,
    map_in,
    nanoseconds,
    present,
    readable,
    said_in,
    span_id_of,
    trace_id_of,
)

_STATUS = {"STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": ERROR_STATUS, "1": 1, "2": ERROR_STATUS}
_KINDS = {"CHAT_MODEL": "llm", "PARSER": "", "MEMORY": "", "TASK": "", "UNKNOWN": ""}  # others are called alike
_BODIES = frozenset({"mlflow.spanInputs", "mlflow.spanOutputs", "mlflow.traceInputs", "mlflow.traceOutputs"})


@dataclass(frozen=True, slots=True)
class Listed:
    """A trace as MLflow lists it: what it is called there and here, and what is known of it as a whole."""

    said: str
    id: str
    about: Row

    @property
    def tags(self) -> Row:
        """Tags of the team and of the resource; MLflow's own begin with ``mlflow.``."""
        return map_in(self.about, "tags")


def read_listed(row: Row) -> Listed:
    """One trace of a search.

    Raises:
        Unreadable: it has no id.
    """
    said = identifier_in(row, "trace_id")
    return Listed(said, trace_id_of(said.rpartition("/")[2].removeprefix("tr-")), row)


def read_spans(listed: Listed, rows: Sequence[object]) -> tuple[list[RawSpan], int]:
    """The spans of a trace, and how many could not be read."""
    return readable(rows, lambda row: read_span(listed, row))


def read_span(listed: Listed, row: Row) -> RawSpan:
    """One span, its attributes under MLflow's names and under the canonical ones.

    Raises:
        Unreadable: it has no id or no start.
    """
    parent, name, status = said_in(row, "parent_span_id"), said_in(row, "name"), map_in(row, "status")
    start_ns = _moment(row, "start_time_unix_nano")
    if not start_ns:
        raise Unreadable("start_time_unix_nano")
    attributes = values_in(row)
    whole = {} if parent else _of_the_whole(listed, name, attributes)
    kept = {name: value for name, value in attributes.items() if name not in _BODIES}
    return RawSpan(
        trace_id=listed.id,
        span_id=_span_id(identifier_in(row, "span_id")),
        parent_id=_span_id(parent) if parent else "",
        name=name,
        start_ns=start_ns,
        end_ns=_moment(row, "end_time_unix_nano") or start_ns,
        status=_STATUS.get(said_in(status, "code"), 0),
        status_message=said_in(status, "message"),
        attributes={**present(whole), **present(_canonical(attributes)), **kept},
        resource={name: clean(tag) for name, tag in listed.tags.items() if not name.startswith("mlflow.")},
        events=[
            RawEvent(said_in(event, "name"), _moment(event, "time_unix_nano") or start_ns, values_in(event))
            for event in rows_in(row, "events")
            if isinstance(event, dict)
        ],
    )


def _of_the_whole(listed: Listed, name: str, attributes: Mapping[str, object]) -> dict[str, object]:
    """What MLflow knows of a trace, for its root: the session, tokens, and a name where nothing else names it."""
    about = map_in(listed.about, "trace_metadata")
    tokens = map_in(about, "mlflow.trace.tokenUsage")
    named = first({**listed.tags, **attributes}, (*names.AGENT, *names.SERVICE))
    return {
        names.AGENT[0]: None if named else said_in(listed.tags, "mlflow.traceName") or name,
        names.SESSION[0]: said_in(about, "mlflow.trace.session"),
        names.INPUT_TOKENS[0]: tokens.get("input_tokens"),
        names.OUTPUT_TOKENS[0]: tokens.get("output_tokens"),
    }


def _canonical(attributes: Mapping[str, object]) -> dict[str, object]:
    """MLflow's own attributes under the names that every convention is read by."""
    said = said_in(attributes, "mlflow.spanType").upper()
    kind = _KINDS.get(said, said.lower())
    found: dict[str, object] = {names.KIND[0]: kind}
    given, answered = attributes.get("mlflow.spanInputs"), attributes.get("mlflow.spanOutputs")
    if kind == "tool":
        found |= {names.ARGUMENTS[0]: given, names.RESULT[0]: answered}
    elif kind == "llm":
        tokens = map_in(attributes, "mlflow.chat.tokenUsage")
        found |= {
            names.MODEL_REQUESTED[0]: attributes.get("mlflow.llm.model") or said_in(attributes, "model"),
            names.PROVIDER[0]: attributes.get("mlflow.llm.provider"),
            names.INPUT_TOKENS[0]: tokens.get("input_tokens"),
            names.OUTPUT_TOKENS[0]: tokens.get("output_tokens"),
            names.MODEL_OUTPUT[0]: answered,
        }
    return found


def values_in(row: Row) -> dict[str, object]:
    """The attributes of a span or an event, from OTLP's JSON with snake-case names."""
    found = {
        said_in(item, "key"): unquoted(clean(_value(map_in(item, "value"))))
        for item in rows_in(row, "attributes")
        if isinstance(item, dict)
    }
    return {name: value for name, value in found.items() if name}


def _value(value: Row) -> object:
    for name, read in _VALUES.items():
        if name in value:
            try:
                return read(value[name])
            except (TypeError, ValueError, OverflowError):
                return None
    return None


def _pairs(pairs: Any) -> dict[str, object]:
    return {
        said_in(item, "key"): _value(map_in(item, "value"))
        for item in rows_in(pairs, "values")
        if isinstance(item, dict)
    }


_VALUES: dict[str, Callable[[Any], object]] = {
    "string_value": str,
    "bool_value": bool,
    "int_value": int,
    "double_value": float,
    "array_value": lambda items: [_value(item) for item in rows_in(items, "values") if isinstance(item, dict)],
    "kvlist_value": _pairs,
    "bytes_value": str,
}


def unquoted(value: object) -> object:
    """Text without the quotes that MLflow put around it; anything else as it is."""
    if isinstance(value, str) and len(value) > 1 and value[0] == value[-1] == '"':
        try:
            inner = json.loads(value)
        except ValueError:
            return value
        return clean(inner) if isinstance(inner, str) else value
    return value


def _span_id(said: str) -> str:
    if len(said) == 12 and said.endswith("="):  # noqa: PLR2004 - eight bytes in base64
        try:
            return b64decode(said, validate=True).hex()
        except NotBase64:
            pass
    return span_id_of(said)


def _moment(row: Row, name: str) -> int:
    """Nanoseconds since the epoch, 0 where it is none."""
    said = row.get(name)
    try:
        at = int(said) if isinstance(said, int | str) else 0
    except ValueError:
        return 0
    return at if 0 < at <= LATEST_NS else 0


def read_assessments(listed: Listed) -> tuple[list[EvalScore], int]:
    """The feedback on a trace that stands, and how many assessments could not be read."""
    standing = [row for row in rows_in(listed.about, "assessments") if isinstance(row, dict)]
    feedback = [row for row in standing if "feedback" in row and row.get("valid") is not False]
    return readable(feedback, lambda row: read_feedback(listed, row))


def read_feedback(listed: Listed, row: Row) -> EvalScore:
    """One feedback as a score; where the judge itself failed, the label is "error" and nothing is decided.

    Raises:
        Unreadable: it does not say when it was given.
    """
    feedback, span = map_in(row, "feedback"), said_in(row, "span_id")
    value, error = feedback.get("value"), map_in(feedback, "error")
    told: dict[str, object] = {
        names.EVALUATION_NAME[0]: said_in(row, "assessment_name"),
        names.EVALUATION_EXPLANATION[0]: said_in(error, "error_message") or said_in(row, "rationale"),
    }
    if error:
        told[names.EVALUATION_LABEL[0]] = "error"
    elif isinstance(value, int | float):
        told[names.EVALUATION_VALUE[0]] = float(value)
    if isinstance(value, bool | str | dict | list):
        told[names.EVALUATION_LABEL[0]] = str(value).lower() if isinstance(value, bool) else said_in(feedback, "value")
    at_ns = nanoseconds(row.get("last_update_time") or row.get("create_time"))
    event = RawEvent(names.EVALUATION_EVENT, at_ns, present(told))
    return score_from(event, listed.id, _span_id(span) if span else "")
