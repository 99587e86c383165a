"""Gather evidence: what telemetry says about an agent at one moment."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import NamedTuple, TypeVar

from bot.incident.detectors.onset import is_quiet
from bot.incident.draw import Draw
from bot.incident.environments import Wanted, wanted_of
from bot.incident.errors import BadInput, FirstfiveError
from bot.incident.evidence import Change, EvidenceBundle, SourceStatus
from bot.incident.first_sight import MOST_SOUGHT, sought_in
from bot.incident.gathering import Gathered, gather
from bot.incident.model import Agent, Catalogue
from bot.incident.neighbours import providers
from bot.incident.pooling import joined, pooled, with_those_of
from bot.incident.quantities import duration
from bot.incident.reading import Reading
from bot.incident.rules import Taxonomy
from bot.incident.telemetry import EvalScore
from bot.incident.windows import LOOKBACK, WINDOW
from bot.ports import Announcements, Clock, SourceAsk, Traces
from bot.response.sources import Sources

SOURCE_DEADLINE = 2.5  # seconds a source may take before its part is named as missing
SHARED_FOR = timedelta(seconds=2)
NEIGHBOURS = 12  # other agents looked at for shared trouble
GLANCED = 60  # of a fleet with more of them: so many are asked for their provider first
NEWEST = 3  # tasks that tell an agent's provider
NEIGHBOUR_TASKS = 300  # of each: the newest half, and a draw of the others to compare with
MOST_TASKS = 4000  # the agent's own, the newest, where a lever's reach is counted
LOOKED_AT = 2000  # the agent's own tasks of one look; of more a draw
NEWEST_LOOKED_AT = 1000  # of those, where nobody chose a window: what is happening now is seen whole
SHORTEST_WINDOW, LONGEST_WINDOW = timedelta(minutes=1), timedelta(hours=24)
WEEKS = 4  # how far back the same hour of the week is looked up
HOUR_NS = 3_600_000_000_000
WORKING_DAY_NS = 12 * HOUR_NS  # before a look: of an agent that is quiet it is asked how its tasks came then,
MOST_STARTS_BEFORE = 20_000  # and of so many, the newest
WEEK_HOURS = 168

Found = TypeVar("Found")
_NOTHING_READ: "_Own | None" = None
_NOBODY_ELSE: Mapping[str, tuple[Reading, ...]] = {}
_NO_HISTORY: Mapping[str, tuple[int, int]] = {}
_UNANNOUNCED: tuple[Change, ...] = ()


def nanoseconds(moment: datetime) -> int:
    """Nanoseconds since the epoch, exact to the microsecond."""
    return int(moment.timestamp()) * 1_000_000_000 + moment.microsecond * 1_000


@dataclass(slots=True)
class _Gaps:
    """What did not answer, collected while asking."""

    seconds: float
    told: list[SourceStatus] = field(default_factory=list)

    async def within(self, name: str, ask: Callable[[], Awaitable[Found]], otherwise: Found) -> Found:
        """The answer, or ``otherwise`` and a named gap."""
        try:
            async with asyncio.timeout(self.seconds):
                return await ask()
        except TimeoutError:
            missing = f"the {name} did not answer within {duration(self.seconds)}"
        except FirstfiveError as error:
            missing = str(error)
        self.told.append(SourceStatus(name, 0, 0, missing))
        return otherwise


class _Own(NamedTuple):
    """What the built-in store has of the agent; see :class:`~bot.incident.gathering.Gathered`."""

    readings: tuple[Reading, ...] = ()
    draw: Draw | None = None
    scores: tuple[EvalScore, ...] = ()
    earlier: Collection[str] = ()
    starts_before: Sequence[int] = ()


@dataclass(frozen=True, slots=True)
class Gather:
    """Read tasks and scores of an agent and its neighbours from everywhere, and measure them."""

    traces: Traces
    clock: Clock
    catalogue: Catalogue
    taxonomy: Taxonomy
    deadline: float = SOURCE_DEADLINE  # seconds, for each source alone
    sources: Sources = field(default_factory=Sources)
    announcements: Announcements | None = None
    trace_url: str = ""  # page of a trace in the team's own tool, with {trace_id} in it
    looking: Callable[[], AbstractContextManager[None]] = nullcontext  # around each look: what can wait does so
    _shared: dict[tuple[str, str], tuple[datetime, asyncio.Task[EvidenceBundle]]] = field(default_factory=dict)

    async def __call__(
        self, agent: str, at: datetime | None = None, window: timedelta | None = None, *, environment: str = ""
    ) -> EvidenceBundle:
        """The bundle for ``agent`` at ``at``; a slow or broken source becomes a named gap.

        Without ``at`` and ``window`` it is of now, shared by everybody who asks within two seconds. It is of
        ``environment``, else of the first one that the catalogue lists; see :func:`wanted_of`.

        Raises:
            BadInput: the window is shorter than a minute or longer than a day.
        """
        if window is not None and not SHORTEST_WINDOW <= window <= LONGEST_WINDOW:
            raise BadInput("window", "Choose a window between one minute and 24 hours, like 15m or 2h.")
        now, wanted = self.clock.now(), wanted_of(self.catalogue.agent(agent), environment)
        if at is not None or window is not None:
            return await self._measured(agent, at or now, window, wanted)
        begun, task = self._shared.get((agent, wanted.name), (None, None))
        if begun is None or task is None or now - begun > SHARED_FOR or _failed(task):
            self._forget(now)
            task = asyncio.create_task(self._measured(agent, now, None, wanted))
            self._shared[agent, wanted.name] = now, task
        return await asyncio.shield(task)

    def _forget(self, now: datetime) -> None:
        for key, (begun, task) in list(self._shared.items()):
            if task.done() and now - begun > SHARED_FOR:
                del self._shared[key]

    async def _measured(self, agent: str, at: datetime, window: timedelta | None, wanted: Wanted) -> EvidenceBundle:
        with self.looking():
            return await self._look(agent, at, window, wanted)

    async def _look(self, agent: str, at: datetime, window: timedelta | None, wanted: Wanted) -> EvidenceBundle:
        at_ns = nanoseconds(at)
        entry = self.catalogue.agent(agent)
        back = max(LOOKBACK, 2 * window + LOOKBACK) if window else LOOKBACK
        window_ns = int(window.total_seconds() * 1e9) if window else None
        start_ns = at_ns - int(back.total_seconds() * 1e9)
        newest = 0 if window else NEWEST_LOOKED_AT
        names = sorted(entry.telemetry_names)
        gaps, quiet = _Gaps(self.deadline), _Gaps(self.deadline)
        ask = SourceAsk(
            entry.name, entry.telemetry_names, start_ns, at_ns, at_ns - (window_ns or WINDOW), self.deadline
        )
        own, others, usual, announced, (answers, statuses) = await asyncio.gather(
            gaps.within("built-in store", partial(self._own, names, (start_ns, at_ns), newest, wanted), _NOTHING_READ),
            gaps.within("built-in store (other agents)", partial(self._others, names, start_ns, at_ns), _NOBODY_ELSE),
            quiet.within("history", partial(self.traces.usual, names, _same_hours(at_ns)), _NO_HISTORY),
            gaps.within("announced changes", partial(self._announced, entry, start_ns, at_ns), _UNANNOUNCED),
            self.sources.find(ask, entry.projects),
        )
        readings, draw, scores, earlier, before = own or _Own()
        if own is not None:
            drawn_from = len(draw.starts) if draw else 0
            gaps.told.insert(0, SourceStatus("builtin", len(readings), len(scores), drawn_from=drawn_from))
        elsewhere = [theirs for _, theirs, _ in answers]
        found = Gathered(
            readings=joined(readings, *elsewhere),
            scores=pooled(scores, *(answer.scores for answer, _, _ in answers)),
            others=others,
            metrics=tuple(metric for answer, _, _ in answers for metric in answer.metrics),
            usual=usual,
            sources=(*_once(gaps.told), *statuses),
            links=self._links(readings) | {t: url for answer, _, _ in answers for t, url in answer.links.items()},
            announced=announced,
            wanted=wanted,
            draw=draw and with_those_of(elsewhere, readings, draw),
            earlier=earlier,
            starts_before=before,
        )
        # Measuring thousands of tasks takes a moment that requests must not wait for.
        return await asyncio.to_thread(gather, agent, at_ns, found, self.taxonomy, window_ns)

    async def _own(self, names: list[str], between: tuple[int, int], newest: int, wanted: Wanted) -> _Own:
        start_ns, at_ns = between
        readings, draw = await self.traces.drawn(names, start_ns, at_ns, LOOKED_AT, newest)
        of = {reading.id for reading in readings}
        found = [
            score for name in names for score in await self.traces.scores(name, start_ns, at_ns, of if draw else None)
        ]
        scores = tuple(sorted(found, key=lambda score: score.at_ns))
        starts = draw.starts if draw else [reading.at_ns for reading in readings]
        before: Sequence[int] = ()
        if is_quiet(starts, at_ns):
            before = await self.traces.starts(names, start_ns - WORKING_DAY_NS, start_ns, MOST_STARTS_BEFORE)
        if draw:
            return _Own(*await self._with_first_sights(names, start_ns, readings, draw, wanted), scores, (), before)
        unread = {score.trace_id for score in scores if score.trace_id} - of
        earlier = await self.traces.begun_before(unread, start_ns) if unread else ()
        return _Own(readings, None, scores, earlier, before)

    async def _with_first_sights(
        self, names: list[str], start_ns: int, readings: tuple[Reading, ...], draw: Draw, wanted: Wanted
    ) -> tuple[tuple[Reading, ...], Draw]:
        """The tasks drawn, and of what looks new among them and was there before, but was not drawn, the first one."""
        doubtful = await asyncio.to_thread(sought_in, readings, wanted)
        sought = doubtful[-MOST_SOUGHT:]
        drawn = {reading.id for reading in readings}
        first = await self.traces.first_with(names, start_ns, sought) if sought else ()
        more = {reading.id: reading for reading in first if reading.id not in drawn}
        every = tuple(sorted([*readings, *more.values()], key=lambda reading: reading.at_ns))
        return every, replace(draw, beside=dict.fromkeys(more, 0), thorough=len(sought) == len(doubtful))

    async def _others(self, own: list[str], start_ns: int, at_ns: int) -> Mapping[str, tuple[Reading, ...]]:
        names = [name for name in await self.traces.agents(start_ns, at_ns) if name not in own]
        if len(names) > NEIGHBOURS:
            names = await self._nearest(own, names[:GLANCED], start_ns, at_ns)
        return await self.traces.sampled(names[:NEIGHBOURS], start_ns, at_ns, NEIGHBOUR_TASKS, models_only=True)

    async def _nearest(self, own: list[str], names: list[str], start_ns: int, at_ns: int) -> list[str]:
        """The names, those of agents on a provider of this one first."""

        async def used_by(agents: list[str]) -> frozenset[str]:
            return providers(await self.traces.readings(agents, start_ns, at_ns, NEWEST))

        mine = await used_by(own)
        theirs = {name: await used_by([name]) for name in names}
        return sorted(names, key=lambda name: mine.isdisjoint(theirs[name]))

    async def _announced(self, agent: Agent, start_ns: int, at_ns: int) -> tuple[Change, ...]:
        if self.announcements is None:
            return ()
        return await self.announcements.about(agent.telemetry_names, start_ns, at_ns)

    def _links(self, readings: tuple[Reading, ...]) -> dict[str, str]:
        if not self.trace_url:
            return {}
        return {reading.id: self.trace_url.replace("{trace_id}", reading.id) for reading in readings}


def _same_hours(at_ns: int) -> tuple[int, ...]:
    """The same hour of the week in the weeks before, as hours since the epoch."""
    return tuple(at_ns // HOUR_NS - WEEK_HOURS * week for week in range(1, WEEKS + 1))


def _once(told: list[SourceStatus]) -> list[SourceStatus]:
    """Gaps with the same reason, told once."""
    return list({(one.missing or one.name): one for one in told}.values())


def _failed(task: asyncio.Task[EvidenceBundle]) -> bool:
    return task.done() and (task.cancelled() or task.exception() is not None)
