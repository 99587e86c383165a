"""Which instance of an agent has which control, and since when.

An instance that reads flags has what it was last given. One with our own client says itself what
it applied, and being served counts for nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.incident.composition import Controls
from bot.incident.mitigation import Mitigation, Scope
from bot.incident.proof import Delivery
from bot.ports import Sighting

FORGOTTEN_AFTER = timedelta(seconds=60)  # an instance that has not read for so long is taken for gone
REPEATED_AFTER = timedelta(seconds=20)  # a sign of life that other processes are told of although nothing is new
OURSELVES = "firstfive:read-back"  # we read as an agent does to prove a control, and are not one of its instances
MOST_INSTANCES = 2000  # per agent; beyond it the longest silent ones are dropped
MOST_AGENTS = 500  # callers choose the names freely; beyond it the longest silent ones are dropped
MOST_NAMED = 20
MOST_REMEMBERED = 64  # mitigations per instance that are not in force any more, about

Key = tuple[str, str]  # agent, instance
_Word = tuple[datetime, Scope, datetime | None]  # when an instance was heard of, in which scope, since when it has it


@dataclass(slots=True)
class Reader:
    """One instance: where it runs, when it was last heard of, and since when it has each mitigation."""

    scope: Scope
    last_at: datetime
    first_read: dict[str, datetime] = field(default_factory=dict)
    given: Controls | None = None  # what it was given last
    told_at: datetime | None = None  # how far other processes know of it


class Readers:
    """The instances of all agents, kept in memory by the process that answers them."""

    def __init__(self) -> None:
        self._agents: dict[str, dict[str, Reader]] = {}
        self._news: dict[Key, None] = {}  # who is new or has something new; in order

    def saw(self, controls: Controls, scope: Scope, instance: str, at: datetime) -> None:
        """``instance`` read the ``controls`` of ``scope`` at ``at``."""
        if instance == OURSELVES:
            return
        reader = self._heard(controls.agent, scope, instance, at)
        if reader.given is not controls:
            reader.given = controls
            self._note(reader, (controls.agent, instance), controls.mitigations, at)

    def applied(
        self, agent: str, scope: Scope, instance: str, names: Sequence[str], since: datetime, at: datetime
    ) -> int:
        """``instance`` said at ``at`` that it has these mitigations, since ``since``; returns how many instances there are."""
        self._note(self._heard(agent, scope, instance, at), (agent, instance), names, since)
        return len(self._present(agent, at))

    def delivery(self, mitigation: Mitigation, at: datetime, elsewhere: Iterable[Sighting] = ()) -> Delivery:
        """How many present instances bound by ``mitigation`` have it, and how long the last of them took.

        ``elsewhere`` is what other processes have heard; an instance that several of them answer counts once.
        """
        heard: dict[str, list[_Word]] = {}
        for name, reader in self._present(mitigation.agent, at).items():
            heard[name] = [(reader.last_at, reader.scope, reader.first_read.get(mitigation.id))]
        for other in elsewhere:
            heard.setdefault(other.instance, []).append((other.last_at, other.scope, other.since.get(mitigation.id)))
        bound = {name: words for name, words in heard.items() if mitigation.scope.meets(_newest(words))}
        first = {name: min((read for _, _, read in words if read), default=None) for name, words in bound.items()}
        reads = [read for read in first.values() if read is not None]
        stale = sorted(name for name, read in first.items() if read is None)
        return Delivery(len(bound), len(reads), _seconds(mitigation.applied_at, reads), tuple(stale[:MOST_NAMED]))

    def news(self, most: int, *, signs_of_life: bool) -> tuple[Sighting, ...]:
        """What other processes do not know yet, ``most`` at once; with who was heard of again, where that is asked for."""
        if signs_of_life:
            self._news.update(dict.fromkeys(self._unrepeated()))
        told = []
        for key in list(self._news)[:most]:
            del self._news[key]
            reader = self._agents.get(key[0], {}).get(key[1])
            if reader is not None:
                reader.told_at = reader.last_at
                told.append(Sighting(*key, reader.scope, reader.last_at, dict(reader.first_read)))
        return tuple(told)

    def untold(self, sightings: Iterable[Sighting]) -> None:
        """These could not be told; they are news again."""
        self._news.update(dict.fromkeys((one.agent, one.instance) for one in sightings))

    def _unrepeated(self) -> Iterable[Key]:
        for agent, instances in self._agents.items():
            for instance, reader in instances.items():
                if reader.told_at is None or reader.last_at - reader.told_at > REPEATED_AFTER:
                    yield agent, instance

    def _heard(self, agent: str, scope: Scope, instance: str, at: datetime) -> Reader:
        instances = self._agents[agent] = self._agents.pop(agent, {})  # at the end, as below
        if len(self._agents) > MOST_AGENTS:
            silent = next(iter(self._agents))
            for name in self._agents.pop(silent):
                self._news.pop((silent, name), None)
        reader = instances.pop(instance, None)
        if reader is None:
            reader = Reader(scope, at)
            self._news[agent, instance] = None
        instances[instance] = reader  # at the end: the dict stays in order of the last sign of life
        reader.scope, reader.last_at = scope, at
        if len(instances) > MOST_INSTANCES:
            silent = next(iter(instances))
            del instances[silent]
            self._news.pop((agent, silent), None)
        return reader

    def _note(self, reader: Reader, key: Key, mitigations: Sequence[str], at: datetime) -> None:
        known = len(reader.first_read)
        for mitigation_id in mitigations:
            reader.first_read.setdefault(mitigation_id, at)
        if len(reader.first_read) > known:
            self._news[key] = None
        if len(reader.first_read) > MOST_REMEMBERED + len(mitigations):
            reader.first_read = {name: reader.first_read[name] for name in mitigations}

    def _present(self, agent: str, at: datetime) -> dict[str, Reader]:
        """Instances of ``agent`` heard of within the last 60 s before ``at``; the others, which come first, are forgotten."""
        instances = self._agents.get(agent, {})
        while instances and at - instances[first := next(iter(instances))].last_at > FORGOTTEN_AFTER:
            del instances[first]
        return instances


def _newest(words: Sequence[_Word]) -> Scope:
    return max(words, key=lambda word: word[0])[1]


def _seconds(applied_at: datetime, reads: Iterable[datetime]) -> float | None:
    last = max(reads, default=None)
    return None if last is None else max(0.0, (last - applied_at).total_seconds())
