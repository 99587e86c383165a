"""What all processes have heard of agents' instances, each in rows of its own."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import BigInteger, cast, delete, distinct, func, select

from bot.incident.codec import decode, encode
from bot.incident.mitigation import Scope
from bot.ports import Sighting, Sightings
from bot.storage.database import Database
from bot.storage.tables.incidents import agent_instances
from bot.storage.transaction import insert

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
MOST_INSTANCES = 2000  # of one agent, those heard of last


class SqlSightings(Sightings):
    """Kept in one table; ``process`` is a name that no other process has."""

    def __init__(self, database: Database, process: str) -> None:
        self._database = database
        self._process = process

    async def note(self, sightings: Sequence[Sighting]) -> None:
        """Keep this process's newest word on each of these instances, in one transaction."""
        async with self._database.write() as connection:
            into = insert(connection, agent_instances)
            newest = {name: into.excluded[name] for name in ("scope", "last_at", "since")}
            upsert = into.on_conflict_do_update(index_elements=["agent", "instance", "process"], set_=newest)
            await connection.execute(upsert, [self._row(one) for one in sightings])

    def _row(self, one: Sighting) -> dict[str, Any]:
        return {
            "agent": one.agent,
            "instance": one.instance,
            "process": self._process,
            "scope": encode(one.scope),
            "last_at": one.last_at,
            "since": {name: (at - EPOCH) // MICROSECOND for name, at in one.since.items()},
        }

    async def of_others(self, agent: str, mitigation_id: str, after: datetime) -> tuple[Sighting, ...]:
        """What other processes have heard of the agent's instances after that moment, of 2,000 at most.

        Of the mitigations only that one is told; watches ask several times a second.
        """
        table = agent_instances.c
        since = cast(table.since[mitigation_id].as_string(), BigInteger).label("since")
        where = (table.agent == agent, table.process != self._process, table.last_at > after)
        wanted = select(table.instance, table.scope, table.last_at, since).where(*where)
        async with self._database.read() as connection:
            rows = (await connection.execute(wanted.order_by(table.last_at.desc()).limit(MOST_INSTANCES))).all()
        return tuple(
            Sighting(
                agent,
                row.instance,
                _scope(*row.scope.items()),
                row.last_at,
                {} if row.since is None else {mitigation_id: EPOCH + row.since * MICROSECOND},
            )
            for row in rows
        )

    async def counts(self, after: datetime) -> Mapping[str, int]:
        """By agent, how many instances any process has heard of after that moment."""
        table = agent_instances.c
        wanted = select(table.agent, func.count(distinct(table.instance)).label("instances"))
        async with self._database.read() as connection:
            rows = (await connection.execute(wanted.where(table.last_at > after).group_by(table.agent))).all()
        return {row.agent: row.instances for row in rows}

    async def forget(self, before: datetime) -> None:
        """Drop what was heard before that moment."""
        async with self._database.write() as connection:
            await connection.execute(delete(agent_instances).where(agent_instances.c.last_at < before))


@lru_cache(1000)
def _scope(*said: tuple[str, str]) -> Scope:
    return decode(Scope, dict(said))
