"""A span event when a control bites, where OpenTelemetry is installed; nothing otherwise."""

from typing import Any, Protocol

from firstfive_client.controls import Rule
from firstfive_client.refusals import Refused


class _Trace(Protocol):
    """The part of OpenTelemetry that is used."""

    def get_current_span(self) -> Any:
        """The span that is open here."""
        ...


def _opentelemetry() -> _Trace | None:
    try:
        from opentelemetry import trace  # noqa: PLC0415 - the client must fit into agents without it
    except ImportError:
        return None
    return trace


TRACE = _opentelemetry()

EVENT = "firstfive.control"


def refused(refusal: Refused) -> None:
    """Tell the current span that a call was refused, and why."""
    _tell(refusal.kind, "refused", refusal.incident, refusal.mitigation, refusal.limit, refusal.tool)


def replaced(rule: Rule) -> None:
    """Tell the current span that a pin took the place of what the agent would have used."""
    _tell(rule.kind, "replaced", rule.incident, rule.id, rule.value, "")


def _tell(kind: str, effect: str, incident: str, mitigation: str, limit: object, tool: str) -> None:
    if TRACE is None:
        return
    said = {"control": str(kind), "effect": effect, "incident": incident, "mitigation": mitigation, "tool": tool}
    attributes = {f"{EVENT}.{name}": value for name, value in said.items() if value}
    if isinstance(limit, int | float | str):
        attributes[f"{EVENT}.limit"] = str(limit)
    TRACE.get_current_span().add_event(EVENT, attributes)
