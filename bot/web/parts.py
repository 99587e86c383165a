"""What the HTTP edge is made of. The composition root fills it; nothing here knows another edge."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.incident.model import Catalogue
from bot.ports import Clock, Ids, Renderer, Traces
from bot.response.verbs import Verbs
from bot.web.doors import ControlPlane, SlackRequests, Telemetry
from bot.web.tokens import Tokens

OPEN = Tokens()


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the HTTP edge needs.

    ``ready`` answers None, or what is missing in one sentence. ``metrics`` maps full Prometheus
    series names (``firstfive_incidents_open{severity="SEV2"}``) to values. ``cache`` is a directory
    for files made at first use.
    """

    verbs: Verbs
    traces: Traces
    clock: Clock
    ids: Ids
    catalogue: Catalogue
    control: ControlPlane
    renderer: Renderer
    ready: Callable[[], Awaitable[str | None]]
    metrics: Callable[[], Awaitable[Mapping[str, float]]]
    cache: Path
    public_url: str
    telemetry: Telemetry[Any] | None = None
    slack: SlackRequests | None = None
    tokens: Tokens = OPEN
