"""What the HTTP edge is made of. The composition root fills it; nothing here knows another edge."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bot.incident.model import Catalogue
from bot.incident.rules import Taxonomy
from bot.ports import Announcements, AuditTrail, Clock, Ids, Records, Renderer, Traces
from bot.response.verbs import Verbs
from bot.web.doors import ControlPlane, SlackRequests, Telemetry
from bot.web.tokens import Tokens

OPEN = Tokens()


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything the HTTP edge needs.

    ``ready`` answers None, or what is missing in one sentence. ``metrics`` maps full Prometheus
    series names (``firstfive_incidents_open{severity="SEV2"}``) to values. ``cache`` is a directory
    for files made at first use. ``trace_url`` is the page of a trace in the team's own tool, with
    ``{trace_id}`` in it; empty when there is none. ``browser_origins`` are other origins whose pages may read controls.
    """

    verbs: Verbs
    records: Records
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
    announcements: Announcements | None = None
    audit: AuditTrail | None = None
    trace_url: str = ""
    browser_origins: tuple[str, ...] = ()

    @property
    def taxonomy(self) -> Taxonomy:
        """The classes and questions."""
        return self.verbs.taxonomy

    def page_of(self, trace_id: str) -> str:
        """The page of that trace in the team's own tool, or nothing."""
        return self.trace_url.replace("{trace_id}", trace_id)
