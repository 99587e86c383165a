"""What the verbs need from outside. Each docstring states the promise, not the mechanism."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.incident.telemetry import EvalScore, Span, Trace


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        ...


class Ids(Protocol):
    """Identifiers nobody can guess or meet twice."""

    def new(self) -> str:
        """A fresh identifier, 20 lower-case letters and digits."""
        ...


class TelemetryStore(Protocol):
    """Spans and scores, kept durably. Adding the same span or score again changes no count."""

    async def add(self, spans: Sequence[Span], scores: Sequence[EvalScore]) -> None:
        """Store all, or raise and store none. Returns after the commit."""
        ...


class Traces(Protocol):
    """Traces and evaluation scores of the recent past."""

    async def traces(self, agent: str, start_ns: int, end_ns: int, limit: int = 2000) -> tuple[Trace, ...]:
        """Traces of ``agent`` that start in [start, end), newest ``limit`` of them, in order of start, with spans."""
        ...

    async def scores(self, agent: str, start_ns: int, end_ns: int) -> tuple[EvalScore, ...]:
        """Scores of ``agent`` in [start, end), in order of time."""
        ...

    async def trace(self, trace_id: str) -> Trace | None:
        """One trace with its spans, or None."""
        ...

    async def agents(self, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Names of the agents that sent anything in [start, end), sorted."""
        ...
