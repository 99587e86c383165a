"""Which instance of an agent has which control, and since when.

An instance that reads flags has what it was last given. One with our own client says itself what
it applied, and being served counts for nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.incident.composition import Controls
from bot.incident.mitigation import Delivery, Mitigation, Scope

FORGOTTEN_AFTER = timedelta(seconds=60)  # an instance that has not read for so long is taken for gone
OURSELVES = "firstfive:read-back"  # we read as an agent does to prove a control, and are not one of its instances
MOST_INSTANCES = 2000  # per agent; beyond it the longest silent ones are dropped
MOST_AGENTS = 500  # callers choose the names freely; beyond it the longest silent ones are dropped
MOST_NAMED = 20
MOST_REMEMBERED = 64  # mitigations per instance; beyond it the first read ones are dropped


@dataclass(slots=True)
class Reader:
    """One instance: where it runs, when it was last heard of, and since when it has each mitigation."""

    scope: Scope
    last_at: datetime
    first_read: dict[str, datetime] = field(default_factory=dict)


class Readers:
    """The instances of all agents, kept in memory by the process that answers them."""

    def __init__(self) -> None:
        self._agents: dict[str, dict[str, Reader]] = {}

    def saw(self, controls: Controls, scope: Scope, instance: str, at: datetime) -> None:
        """``instance`` read the ``controls`` of ``scope`` at ``at``."""
        if instance == OURSELVES:
            return
        _note(self._heard(controls.agent, scope, instance, at), controls.mitigations, at)

    def applied(
        self, agent: str, scope: Scope, instance: str, names: Sequence[str], since: datetime, at: datetime
    ) -> int:
        """``instance`` said at ``at`` that it has these mitigations, since ``since``; returns how many instances there are."""
        _note(self._heard(agent, scope, instance, at), names, since)
        return len(self._present(agent, at))

    def delivery(self, mitigation: Mitigation, at: datetime) -> Delivery:
        """How many present instances bound by ``mitigation`` have it, and how long the last of them took."""
        present = self._present(mitigation.agent, at)
        bound = {name: reader for name, reader in present.items() if mitigation.scope.meets(reader.scope)}
        reads = [one.first_read[mitigation.id] for one in bound.values() if mitigation.id in one.first_read]
        stale = sorted(name for name, reader in bound.items() if mitigation.id not in reader.first_read)
        seconds = _seconds(mitigation.applied_at, reads)
        return Delivery(len(bound), len(reads), seconds, tuple(stale[:MOST_NAMED]))

    def _heard(self, agent: str, scope: Scope, instance: str, at: datetime) -> Reader:
        instances = self._agents[agent] = self._agents.pop(agent, {})  # at the end, as below
        if len(self._agents) > MOST_AGENTS:
            self._agents.pop(next(iter(self._agents)))
        reader = instances.pop(instance, None) or Reader(scope, at)
        instances[instance] = reader  # at the end: the dict stays in order of the last sign of life
        reader.scope, reader.last_at = scope, at
        if len(instances) > MOST_INSTANCES:
            instances.pop(next(iter(instances)))
        return reader

    def _present(self, agent: str, at: datetime) -> dict[str, Reader]:
        """Instances of ``agent`` heard of within the last 60 s before ``at``; the others, which come first, are forgotten."""
        instances = self._agents.get(agent, {})
        while instances and at - instances[first := next(iter(instances))].last_at > FORGOTTEN_AFTER:
            del instances[first]
        return instances


def _note(reader: Reader, mitigations: Sequence[str], at: datetime) -> None:
    for mitigation_id in mitigations:
        reader.first_read.setdefault(mitigation_id, at)
    while len(reader.first_read) > MOST_REMEMBERED:
        reader.first_read.pop(next(iter(reader.first_read)))


def _seconds(applied_at: datetime, reads: Iterable[datetime]) -> float | None:
    last = max(reads, default=None)
    return None if last is None else max(0.0, (last - applied_at).total_seconds())
