"""Gather evidence: what telemetry says about an agent at one moment."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.incident.classification import Answer, Classification, Question
from bot.incident.errors import FirstfiveError
from bot.incident.evidence import EvidenceBundle, SourceStatus
from bot.incident.gathering import LOOKBACK, gather
from bot.incident.model import Catalogue
from bot.incident.telemetry import EvalScore, Trace
from bot.incident.tree import classify
from bot.ports import Clock, Traces

SOURCE_DEADLINE = 2.5  # seconds a source may take before its part is named as missing
SHARED_FOR = timedelta(seconds=2)
NEIGHBOURS = 12  # other agents looked at for shared trouble
NEIGHBOUR_TRACES = 400


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since the epoch, exact to the microsecond."""
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


@dataclass(frozen=True, slots=True)
class Gather:
    """Read traces and scores of an agent and its neighbours, and measure them."""

    traces: Traces
    clock: Clock
    catalogue: Catalogue
    deadline: float = SOURCE_DEADLINE  # seconds
    _shared: dict[str, tuple[datetime, asyncio.Task[EvidenceBundle]]] = field(default_factory=dict)

    async def __call__(self, agent: str, at: datetime | None = None) -> EvidenceBundle:
        """The bundle for ``agent`` at ``at``; a slow or broken source becomes a named gap.

        Without ``at`` it is of now, shared by everybody who asks within two seconds.
        """
        if at is not None:
            return await self._measured(agent, at)
        now = self.clock.now()
        begun, task = self._shared.get(agent, (None, None))
        if begun is None or task is None or now - begun > SHARED_FOR or _failed(task):
            self._forget(now)
            task = asyncio.create_task(self._measured(agent, now))
            self._shared[agent] = now, task
        return await asyncio.shield(task)

    def _forget(self, now: datetime) -> None:
        for agent, (begun, task) in list(self._shared.items()):
            if task.done() and now - begun > SHARED_FOR:
                del self._shared[agent]

    async def _measured(self, agent: str, at: datetime) -> EvidenceBundle:
        at_ns = nanoseconds(at)
        start_ns = at_ns - int(LOOKBACK.total_seconds() * 1e9)
        try:
            async with asyncio.timeout(self.deadline):
                own, scores = await self._own(agent, start_ns, at_ns)
                others = await self._others(agent, start_ns, at_ns)
        except TimeoutError:
            missing = f"the built-in store did not answer within {self.deadline:g} s"
            return gather(agent, at_ns, (), (), {}, (SourceStatus("builtin", 0, 0, missing),))
        except FirstfiveError as error:
            return gather(agent, at_ns, (), (), {}, (SourceStatus("builtin", 0, 0, str(error)),))
        sources = (SourceStatus("builtin", len(own), len(scores)),)
        # Measuring thousands of tasks takes a moment that requests must not wait for.
        return await asyncio.to_thread(gather, agent, at_ns, own, scores, others, sources)

    async def _own(self, agent: str, start_ns: int, at_ns: int) -> tuple[tuple[Trace, ...], tuple[EvalScore, ...]]:
        names = sorted(self.catalogue.agent(agent).telemetry_names)
        traces = [trace for name in names for trace in await self.traces.traces(name, start_ns, at_ns)]
        scores = [score for name in names for score in await self.traces.scores(name, start_ns, at_ns)]
        return (
            tuple(sorted({trace.id: trace for trace in traces}.values(), key=lambda trace: trace.start_ns)),
            tuple(sorted(scores, key=lambda score: score.at_ns)),
        )

    async def _others(self, agent: str, start_ns: int, at_ns: int) -> Mapping[str, tuple[Trace, ...]]:
        own_names = self.catalogue.agent(agent).telemetry_names
        names = [name for name in await self.traces.agents(start_ns, at_ns) if name not in own_names]
        return {name: await self.traces.traces(name, start_ns, at_ns, NEIGHBOUR_TRACES) for name in names[:NEIGHBOURS]}


def _failed(task: asyncio.Task[EvidenceBundle]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)


@dataclass(frozen=True, slots=True)
class Suggest:
    """Evidence and the classification it leads to, with any replies responders gave."""

    gather: Gather

    async def __call__(
        self, agent: str, at: datetime | None = None, replies: Mapping[Question, Answer] | None = None
    ) -> tuple[EvidenceBundle, Classification]:
        """The bundle and the tree's result for it."""
        bundle = await self.gather(agent, at)
        return bundle, classify(bundle, replies or {})
