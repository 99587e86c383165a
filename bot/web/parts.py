"""What the HTTP edge is made of. The composition root fills it; nothing here knows another edge."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from bot.incident.charts import Chart
from bot.incident.evidence import EvidenceBundle, Finding
from bot.incident.mitigation import Controls
from bot.incident.model import Catalogue
from bot.incident.telemetry import Trace
from bot.ports import Clock, Ids, Renderer, Traces
from bot.response.verbs import Verbs
from bot.web.tokens import Tokens


class Answer(Protocol):
    """An HTTP answer made elsewhere."""

    @property
    def status(self) -> int:
        """The HTTP status."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers."""
        ...

    @property
    def body(self) -> bytes | str:
        """Its body."""
        ...


class SlackRequests(Protocol):
    """Takes Slack's signed requests."""

    async def http(self, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Verify, remember and acknowledge one request. Header names are lower case."""
        ...


class Acceptance(Protocol):
    """What became of a telemetry request."""

    @property
    def rejected(self) -> int:
        """Records that could not be used."""
        ...

    @property
    def message(self) -> str:
        """Why, in one sentence; may be empty."""
        ...


class Intake(Protocol):
    """Takes OTLP requests; returns after the commit.

    Raises:
        Unavailable: too busy; ask again later.
        The rejection given as :attr:`Telemetry.rejection`: the request cannot be used.
    """

    async def traces(self, body: bytes, content_type: str, encoding: str) -> Acceptance:
        """An ExportTraceServiceRequest."""
        ...

    async def logs(self, body: bytes, content_type: str, encoding: str) -> Acceptance:
        """An ExportLogsServiceRequest."""
        ...


@runtime_checkable
class Rejection(Protocol):
    """Why a telemetry request cannot be used; what :attr:`Telemetry.rejection` raises looks like this."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Telemetry:
    """The way telemetry comes in: the intake, the error it raises, and how its answers are written."""

    intake: Intake
    rejection: type[Exception]
    written: Callable[[Acceptance, str, str], bytes]  # (acceptance, content type, "traces" or "logs")


class ControlPlane(Protocol):
    """What agents read."""

    def controls(self, agent: str, environment: str) -> Controls:
        """What the agent has to obey now, from memory."""
        ...

    def seen(self, controls: Controls, environment: str, instance: str, at: datetime) -> None:
        """An instance was given these controls."""
        ...

    def changes(self, agent: str, environment: str, silence: float) -> AsyncIterator[Controls | None]:
        """The new controls whenever they change; None after ``silence`` seconds without a change."""
        ...


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
    charts_for: Callable[[EvidenceBundle], tuple[Chart, ...]]
    findings_in: Callable[[Trace], tuple[Finding, ...]]
    ready: Callable[[], Awaitable[str | None]]
    metrics: Callable[[], Awaitable[Mapping[str, float]]]
    cache: Path
    public_url: str
    telemetry: Telemetry | None = None
    slack: SlackRequests | None = None
    tokens: Tokens = OPEN
