"""Places where a team already keeps traces, scores or figures: one file of ``bot/sources`` per vendor keeps this promise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from bot.incident.metrics import Metric
from bot.incident.telemetry import EvalScore, Trace


@dataclass(frozen=True, slots=True)
class SourceAsk:
    """What a source is asked for: one agent's traces, scores and figures in [start, end)."""

    agent: str  # its name in the catalogue
    names: frozenset[str]  # every name under which telemetry may speak of it, the first included
    start_ns: int
    end_ns: int
    recent_ns: int  # where "now" begins; what lies before it is the baseline
    seconds: float = 2.5  # the source ends by then with what it has
    most_traces: int = 500  # the newest
    project: str | None = None  # the agent's project, experiment or service there, where the catalogue names one


@dataclass(frozen=True, slots=True)
class SourceFound:
    """What a source gave. ``missing`` says what it left out, one sentence each; empty when nothing."""

    traces: tuple[Trace, ...] = ()  # in order of start, with spans
    scores: tuple[EvalScore, ...] = ()  # in order of time
    metrics: tuple[Metric, ...] = ()
    links: Mapping[str, str] = field(default_factory=dict)  # trace id -> its page in the vendor's own tool
    missing: tuple[str, ...] = ()


class TelemetrySource(Protocol):
    """A place where a team already keeps traces, scores or figures."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    async def find(self, ask: SourceAsk) -> SourceFound:
        """Everything it has of that agent and time, within ``ask.seconds``; partial with the missing part named.

        Raises:
            Unavailable: it gave nothing at all; the sentence says why.
        """
        ...

    async def close(self) -> None:
        """Let go of its connections."""
        ...
