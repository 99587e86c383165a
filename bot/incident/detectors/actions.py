"""Actions: writes nobody approved, and claims no tool call supports."""

import re
from collections.abc import Iterable

from bot.incident.telemetry import SideEffect, Span, Trace

_AMOUNT = re.compile(
    r'"(\w*(?:amount|value|price|total|sum|quantity|count|limit|days|percent)\w*)"\s*:\s*"?(-?\d+(?:\.\d+)?)',
    re.IGNORECASE,
)


def writes_of(trace: Trace) -> tuple[Span, ...]:
    """The steps that changed the world, successful ones only."""
    return tuple(
        span for span in trace.spans if span.tool and span.tool.side_effect is SideEffect.WRITE and not span.error
    )


def unapproved(writes: Iterable[Span]) -> tuple[Span, ...]:
    """Those of the writes that carry no approval. In a fleet that never records approvals this means nothing."""
    return tuple(span for span in writes if span.tool and not span.tool.approval_id)


def unbacked_claims(trace: Trace) -> tuple[str, ...]:
    """Actions the agent told the user it had done, without a successful call of that tool."""
    if not trace.task.claimed_actions:
        return ()
    done = {span.tool.name for span in trace.spans if span.tool and not span.error}
    return tuple(action for action in trace.task.claimed_actions if action not in done)


def amounts(span: Span) -> tuple[tuple[str, float], ...]:
    """Numbers in the arguments of a call whose name says that they are an amount, as (field, amount)."""
    text = span.tool.arguments_preview if span.tool else ""
    return tuple((name, float(number)) for name, number in _AMOUNT.findall(text))
