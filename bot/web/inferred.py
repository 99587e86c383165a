"""Which steps no span tells of."""

from typing import Final

from bot.incident.telemetry import Span

MARK: Final = "firstfive.inferred"  # set where a tool call was read from what a model answered


def inferred(span: Span) -> bool:
    """The step was read from another one, because the framework sends no span for it."""
    return span.tool is not None and span.attributes.get(MARK) is True
