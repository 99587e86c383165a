"""Swaps: another model answers than was asked for."""

from bot.incident.telemetry import Span


def swapped(span: Span) -> bool:
    """Another model answered than was asked for. A dated name of the same model is the same model."""
    model = span.model
    if model is None or not model.requested or not model.answering:
        return False
    return not (model.answering.startswith(model.requested) or model.requested.startswith(model.answering))
