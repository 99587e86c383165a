"""Ask every source at once; whoever is slow, down or wrong becomes a named gap and holds nobody up."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from bot.incident.errors import FirstfiveError
from bot.incident.evidence import SourceStatus
from bot.incident.quantities import duration
from bot.incident.reading import Reading, read
from bot.ports import SourceAsk, SourceFound, TelemetrySource

ANSWER_KEPT = 15.0  # seconds; vendors count requests, and a responder looks again and again
IN_THREAD_FROM = 50  # traces; reading more would hold up the event loop
SLACK = 0.3  # seconds beyond its deadline before a source is cut off with all it has
ROUND_NS = 15_000_000_000  # moments this close share an answer

Answer = tuple[SourceFound, tuple[Reading, ...], str | None]
Key = tuple[str, str, int, int]  # source, agent, start and end in rounds


@dataclass(frozen=True, slots=True)
class Sources:
    """The places besides the built-in store."""

    sources: Sequence[TelemetrySource] = ()
    _kept: dict[Key, tuple[float, Answer]] = field(default_factory=dict)
    _under_way: dict[Key, asyncio.Task[Answer]] = field(default_factory=dict)

    async def find(self, ask: SourceAsk, projects: dict[str, str]) -> tuple[list[Answer], list[SourceStatus]]:
        """What each gave, and how that went; in the order of the sources."""
        answers = await asyncio.gather(*(self._one(source, ask, projects) for source in self.sources))
        return list(answers), [status(source.name, one) for source, one in zip(self.sources, answers, strict=True)]

    async def _one(self, source: TelemetrySource, ask: SourceAsk, projects: dict[str, str]) -> Answer:
        now = asyncio.get_running_loop().time()
        key = (source.name, ask.agent, ask.start_ns // ROUND_NS, ask.end_ns // ROUND_NS)
        when, kept = self._kept.get(key, (0.0, None))
        if kept is not None and now - when < ANSWER_KEPT:
            return kept
        asking = self._under_way.get(key)
        if asking is None:
            asking = asyncio.create_task(_asked(source, replace(ask, project=projects.get(source.name.lower()))))
            self._under_way[key] = asking
            asking.add_done_callback(lambda _: self._under_way.pop(key, None))
        answer = await asyncio.shield(asking)  # others may wait for it, too
        for old in [key for key, (since, _) in self._kept.items() if now - since > ANSWER_KEPT]:
            del self._kept[old]
        self._kept[key] = now, answer
        return answer


async def _asked(source: TelemetrySource, ask: SourceAsk) -> Answer:
    try:
        async with asyncio.timeout(ask.seconds + SLACK):
            found = await source.find(ask)
    except TimeoutError:
        return SourceFound(), (), f"{source.name} did not answer within {duration(ask.seconds)}."
    except FirstfiveError as error:
        return SourceFound(), (), str(error)
    except Exception as error:  # noqa: BLE001 - a vendor's surprise must not take the other evidence with it
        return SourceFound(), (), f"{source.name} answered in a way that is not understood ({type(error).__name__})."
    if len(found.traces) < IN_THREAD_FROM:
        return found, _readings(found), None
    return found, await asyncio.to_thread(_readings, found), None


def _readings(found: SourceFound) -> tuple[Reading, ...]:
    return tuple(read(trace) for trace in found.traces)


def status(name: str, answer: Answer) -> SourceStatus:
    """How asking a source went: its counts, and what is missing as one text."""
    found, readings, failure = answer
    missing = " ".join(found.missing) or None
    return SourceStatus(name, len(readings), len(found.scores), failure or missing, len(found.metrics))
