"""Spans, scores and announced changes that are kept here: the storage keeps these promises."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol, TypeVar

from bot.incident.draw import Draw
from bot.incident.evidence import Change
from bot.incident.first_sight import Sought
from bot.incident.logged_messages import NO_MESSAGES, LoggedMessages, Place
from bot.incident.outline import Outline
from bot.incident.reading import Reading
from bot.incident.telemetry import EvalScore, Span, Trace


class TelemetryStore(Protocol):
    """Spans and scores, kept durably. Adding the same span or score again changes no count."""

    async def add(
        self,
        spans: Sequence[Span],
        scores: Sequence[EvalScore],
        messages: Mapping[Place, LoggedMessages] = NO_MESSAGES,
    ) -> None:
        """Store all, or raise and store none. Returns after the commit.

        ``messages`` are what log records tell of spans, by their ids: they become part of them, now or when they come.
        """
        ...


class TelemetryRetention(Protocol):
    """Telemetry that can be forgotten."""

    async def delete_before(self, arrived_ns: int) -> int:
        """Forget what arrived before that moment without holding writers up; returns how many traces went."""
        ...

    async def delete_beyond(self, most_bytes: int) -> int:
        """Forget what arrived first until telemetry takes no more than that; returns how many traces went."""
        ...


T = TypeVar("T")


class Traces(Protocol):
    """Traces and evaluation scores of the recent past."""

    async def traces(self, agent: str, start_ns: int, end_ns: int, limit: int = 2000) -> tuple[Trace, ...]:
        """Traces of ``agent`` that start in [start, end), newest ``limit`` of them, in order of start, with spans."""
        ...

    async def readings(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int = 4000
    ) -> tuple[Reading, ...]:
        """Tasks of these agents that started in [start, end), newest ``limit`` of them, in order of start."""
        ...

    async def drawn(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int, newest: int
    ) -> tuple[tuple[Reading, ...], Draw | None]:
        """Tasks of these agents that started in [start, end), in order of start.

        Of more than ``limit`` the ``newest`` ones and a draw of the others, and what was drawn.
        """
        ...

    async def first_with(self, agents: Collection[str], start_ns: int, sought: Sequence[Sought]) -> tuple[Reading, ...]:
        """For each value sought, the first task of these agents from ``start_ns`` on that has it, where there is one."""
        ...

    async def sampled(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int, *, models_only: bool = False
    ) -> Mapping[str, tuple[Reading, ...]]:
        """By agent, its tasks that started in [start, end); of more than ``limit`` the newest half and a draw of the others.

        With ``models_only`` they need tell no more than when they were and what their models did.
        """
        ...

    async def usual(self, agents: Collection[str], hours: Collection[int]) -> Mapping[str, tuple[int, int]]:
        """How many (bad, all) there were in these hours (hours since the epoch), by the name of the signal.

        Also of hours whose traces are forgotten already. Empty where nothing is known.
        """
        ...

    async def scores(
        self, agent: str, start_ns: int, end_ns: int, of: Collection[str] | None = None
    ) -> tuple[EvalScore, ...]:
        """Scores of ``agent`` in [start, end), in order of time; only of the tasks ``of``, and of none, where given."""
        ...

    async def starts(self, agents: Collection[str], start_ns: int, end_ns: int, limit: int) -> Sequence[int]:
        """When tasks of these agents started in [start, end), in order; the newest ``limit`` of them. Cheap: no task is read."""
        ...

    async def begun_before(self, trace_ids: Collection[str], moment_ns: int) -> frozenset[str]:
        """Those of the traces that are kept here and started before that moment."""
        ...

    async def trace(self, trace_id: str) -> Trace | None:
        """One trace with its spans, or None."""
        ...

    async def listed(
        self, agents: Collection[str], limit: int, *, failed: bool = False, before_ns: int | None = None
    ) -> tuple[Trace, ...]:
        """The newest traces of these agents, in order of start; only failed or only earlier ones, where wanted."""
        ...

    async def outlines(
        self,
        agents: Collection[str],
        limit: int,
        make: Callable[[Outline], T],
        *,
        failed: bool = False,
        before_ns: int | None = None,
        steps: bool = True,
    ) -> Sequence[T]:
        """What ``make`` makes of each trace of :meth:`listed` with its scores, newest first.

        For those who only hand them on: quick, and never more than one of them is in memory. ``make`` may be called
        in another thread.
        """
        ...

    async def scores_of(self, trace_ids: Sequence[str]) -> tuple[EvalScore, ...]:
        """Every score of these traces, in order of time."""
        ...

    async def agents(self, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Names of the agents that sent anything in [start, end), sorted."""
        ...


class Announcements(Protocol):
    """Changes that pipelines told us of: deploys, flags, prompts."""

    async def announce(self, agent: str, environment: str, change: Change, key: str) -> None:
        """Keep it; a second one with the same key changes nothing. An empty agent means every agent."""
        ...

    async def about(self, agents: Collection[str], start_ns: int, end_ns: int) -> tuple[Change, ...]:
        """Changes to these agents, or to all, in [start, end), oldest first."""
        ...
