"""Which instance of an agent has read which control, and when first."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.incident.composition import Controls
from bot.incident.mitigation import Delivery, Mitigation, Scope

FORGOTTEN_AFTER = timedelta(seconds=60)  # an instance that has not read for so long is taken for gone
OURSELVES = "firstfive:read-back"  # we read as an agent does to prove a control, and are not one of its instances
MOST_INSTANCES = 2000  # per agent; beyond it the longest silent ones are dropped
MOST_NAMED = 20
MOST_REMEMBERED = 64  # mitigations per instance; beyond it the first read ones are dropped


@dataclass(slots=True)
class Reader:
    """One instance: when it last read, at which revision, and when it first read each mitigation."""

    scope: Scope
    last_at: datetime
    revision: int
    first_read: dict[str, datetime] = field(default_factory=dict)


class Readers:
    """The instances of all agents, kept in memory by the process that answers them."""

    def __init__(self) -> None:
        self._agents: dict[str, dict[str, Reader]] = {}

    def saw(self, controls: Controls, scope: Scope, instance: str, at: datetime) -> None:
        """``instance`` read the ``controls`` of ``scope`` at ``at``."""
        if instance == OURSELVES:
            return
        instances = self._agents.setdefault(controls.agent, {})
        reader = instances.pop(instance, None) or Reader(scope, at, controls.revision)
        instances[instance] = reader  # at the end: the dict stays in order of the last read
        reader.scope, reader.last_at, reader.revision = scope, at, controls.revision
        for mitigation_id in controls.mitigations:
            reader.first_read.setdefault(mitigation_id, at)
        while len(reader.first_read) > MOST_REMEMBERED:
            reader.first_read.pop(next(iter(reader.first_read)))
        while len(instances) > MOST_INSTANCES:
            instances.pop(next(iter(instances)))

    def present(self, agent: str, at: datetime) -> dict[str, Reader]:
        """Instances of ``agent`` that have read within the last 60 s before ``at``; the others are forgotten."""
        instances = self._agents.get(agent, {})
        for name in [name for name, reader in instances.items() if at - reader.last_at > FORGOTTEN_AFTER]:
            del instances[name]
        return dict(instances)

    def delivery(self, mitigation: Mitigation, at: datetime) -> Delivery:
        """How many present instances bound by ``mitigation`` have read it, and how long the last of them took."""
        present = self.present(mitigation.agent, at)
        bound = {name: reader for name, reader in present.items() if mitigation.scope.meets(reader.scope)}
        reads = [one.first_read[mitigation.id] for one in bound.values() if mitigation.id in one.first_read]
        stale = sorted(name for name, reader in bound.items() if mitigation.id not in reader.first_read)
        seconds = _seconds(mitigation.applied_at, reads)
        return Delivery(len(bound), len(reads), seconds, tuple(stale[:MOST_NAMED]))


def _seconds(applied_at: datetime, reads: Iterable[datetime]) -> float | None:
    last = max(reads, default=None)
    return None if last is None else max(0.0, (last - applied_at).total_seconds())
