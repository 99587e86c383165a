"""Swaps: another model answers than was asked for."""

from bot.incident.model_names import same_model
from bot.incident.telemetry import Span


def swapped(span: Span) -> bool:
    """Another model answered than was asked for. A dated name of the same model is the same model, a smaller one is not."""
    model = span.model
    if model is None or not model.requested or not model.answering or model.requested == model.answering:
        return False
    return not (same_model(model.answering, model.requested) or same_model(model.requested, model.answering))
