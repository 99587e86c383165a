"""What the HTTP edge asks of the other edges. The composition root passes them in."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from bot.incident.composition import Controls
from bot.incident.mitigation import EVERYWHERE, Scope

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)


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


class Intake(Protocol[T_co]):
    """Takes OTLP requests; returns after the commit. ``scope`` limits whose telemetry is taken, None does not.

    Raises:
        Unavailable: too busy; ask again later.
        The rejection given as :class:`Telemetry`'s ``rejection``: the request cannot be used.
    """

    async def traces(self, body: bytes, content_type: str, encoding: str, scope: Any = None) -> T_co:
        """An ExportTraceServiceRequest."""
        ...

    async def logs(self, body: bytes, content_type: str, encoding: str, scope: Any = None) -> T_co:
        """An ExportLogsServiceRequest."""
        ...


@runtime_checkable
class Rejection(Protocol):
    """Why a telemetry request cannot be used; what :class:`Telemetry`'s ``rejection`` raises looks like this."""

    status: int
    reason: str


@dataclass(frozen=True, slots=True)
class Telemetry(Generic[T]):
    """The way telemetry comes in: the intake, the error it raises, and how its answers are written.

    ``keys`` are tokens that open it in part, each with the scope that the intake is given.
    """

    intake: Intake[T]
    rejection: type[Exception]
    written: Callable[[T, str, str], bytes]  # (what the intake answered, content type, "traces" or "logs")
    keys: tuple[tuple[str, Any], ...] = field(default=(), repr=False)


class ControlPlane(Protocol):
    """What agents read."""

    def controls(self, agent: str, scope: Scope = EVERYWHERE) -> Controls:
        """What the agent has to obey now in that scope, from memory."""
        ...

    def seen(self, controls: Controls, scope: Scope, instance: str, at: datetime) -> None:
        """An instance was given these controls."""
        ...

    def applied(
        self, agent: str, scope: Scope, instance: str, names: Sequence[str], since: datetime, at: datetime
    ) -> int:
        """An instance said at ``at`` that it has these mitigations since then; returns how many instances there are."""
        ...

    def changes(self, agent: str, scope: Scope, silence: float) -> AsyncGenerator[Controls | None, None]:
        """The controls now, then whenever they change; None after ``silence`` seconds without a change."""
        ...
