"""Forgetting telemetry by age and by size, a small transaction at a time; what was usual stays."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import TelemetryRetention
from bot.storage.database import Database
from bot.storage.hourly_counts import HOUR_NS, TASK_COUNTS, VERDICTS, pooled, together_of
from bot.storage.tables.telemetry import announced_changes, hours, scores, spans, traces, waiting_messages
from bot.storage.transaction import insert

TRACES_AT_ONCE = 500  # forgotten in one transaction, so that writers are never held up
SCORES_AT_ONCE = 5000
EVER = 2**63 - 1
HISTORY_HOURS = 6 * 168  # what is usual is known that far back


class Forgetting(TelemetryRetention):
    """Deletes in chunks; other writers get their turn between two of them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def delete_before(self, arrived_ns: int) -> int:
        """Forget what arrived before that moment; returns how many traces went."""
        old = select(traces.c.trace_id).where(traces.c.arrived_ns < arrived_ns).limit(TRACES_AT_ONCE)
        gone = 0
        while count := await self._forget(old):
            gone += count
        outdated = select(scores.c.id).where(scores.c.arrived_ns < arrived_ns).limit(SCORES_AT_ONCE)
        while await self._forget_scores(outdated):
            pass
        await self._forget_waiting(arrived_ns)
        async with self._database.write() as connection:
            history = arrived_ns // HOUR_NS - HISTORY_HOURS
            await connection.execute(delete(hours).where(hours.c.hour < history))
            await connection.execute(delete(announced_changes).where(announced_changes.c.at_ns < history * HOUR_NS))
        return gone

    async def delete_beyond(self, most_bytes: int) -> int:
        """Forget what arrived first until traces with their spans, and messages without, take no more than that, about."""
        async with self._database.read() as connection:
            size = int((await connection.execute(select(func.sum(traces.c.size)))).scalar() or 0)
            waiting = select(func.sum(func.length(waiting_messages.c.body)))
            size += int((await connection.execute(waiting)).scalar() or 0)
        gone = 0
        oldest = select(traces.c.trace_id).order_by(traces.c.arrived_ns).limit(TRACES_AT_ONCE)
        while size > most_bytes:
            async with self._database.read() as connection:
                chunk = oldest.with_only_columns(traces.c.trace_id, traces.c.size, traces.c.arrived_ns)
                rows = (await connection.execute(chunk)).all()
            size -= await self._forget_waiting(rows[0].arrived_ns if rows else EVER)
            ids = []
            for trace_id, bytes_of_it, _ in rows:
                if size <= most_bytes:
                    break
                ids.append(trace_id)
                size -= bytes_of_it
            if not ids:
                break
            gone += await self._forget(select(traces.c.trace_id).where(traces.c.trace_id.in_(ids)), with_scores=True)
        return gone

    async def _forget(self, wanted: Any, *, with_scores: bool = False) -> int:
        async with self._database.write() as connection:
            ids = list((await connection.execute(wanted)).scalars())
            if ids:
                await _remember(connection, ids)
                if with_scores:
                    of_these = select(scores.c.id).where(scores.c.trace_id.in_(ids))
                    await _delete_scores(connection, list((await connection.execute(of_these)).scalars()))
                for table in (spans, waiting_messages):
                    await connection.execute(delete(table).where(table.c.trace_id.in_(ids)))
                await connection.execute(delete(traces).where(traces.c.trace_id.in_(ids)))
        return len(ids)

    async def _forget_waiting(self, arrived_ns: int) -> int:
        """Forget messages that arrived before that moment and whose spans did not come; returns their bytes, about."""
        old = waiting_messages.c.arrived_ns < arrived_ns
        chunk = select(waiting_messages.c.trace_id).where(old).limit(TRACES_AT_ONCE)
        freed = 0
        while True:
            async with self._database.write() as connection:
                ids = (await connection.execute(chunk)).scalars().all()
                if not ids:
                    return freed
                of_these = old, waiting_messages.c.trace_id.in_(ids)
                size = select(func.sum(func.length(waiting_messages.c.body))).where(*of_these)
                freed += int((await connection.execute(size)).scalar() or 0)
                await connection.execute(delete(waiting_messages).where(*of_these))

    async def _forget_scores(self, wanted: Any) -> int:
        async with self._database.write() as connection:
            ids = list((await connection.execute(wanted)).scalars())
            await _delete_scores(connection, ids)
        return len(ids)


async def _delete_scores(connection: AsyncConnection, ids: Sequence[str]) -> None:
    for start in range(0, len(ids), TRACES_AT_ONCE):
        among = scores.c.id.in_(ids[start : start + TRACES_AT_ONCE])
        moment = scores.c.agent, scores.c.at_ns.op("/")(HOUR_NS)
        judged = select(*moment, scores.c.name, *VERDICTS).where(among).group_by(*moment, scores.c.name)
        found = (await connection.execute(judged)).all()
        rows = [(agent, at, f"eval:{name}", k, n) for agent, at, name, k, n in found]
        for signal, names in pooled({name for _, _, name, _, _ in found}).items():
            together = select(*moment, *together_of(signal)).where(among, scores.c.name.in_(names)).group_by(*moment)
            rows += [(agent, at, signal, k, n) for agent, at, k, n in await connection.execute(together)]
        await _add(connection, rows)
        await connection.execute(delete(scores).where(among))


async def _remember(connection: AsyncConnection, trace_ids: Sequence[str]) -> None:
    """Add the tasks about to be forgotten to what was usual in their hour."""
    hour = traces.c.start_ns.op("/")(HOUR_NS)
    columns = [column for pair in TASK_COUNTS.values() for column in pair]
    counted = select(traces.c.agent, hour, *columns).where(traces.c.trace_id.in_(trace_ids))
    rows = [
        (row[0], row[1], signal, row[2 + 2 * place], row[3 + 2 * place])
        for row in await connection.execute(counted.group_by(traces.c.agent, hour))
        for place, signal in enumerate(TASK_COUNTS)
    ]
    await _add(connection, rows)


async def _add(connection: AsyncConnection, rows: Sequence[tuple[str, int, str, int | None, int | None]]) -> None:
    """Add (agent, hour, signal, bad, seen) to what is there."""
    total: dict[tuple[str, int, str], tuple[int, int]] = {}
    for agent, at, signal, bad, seen in rows:
        if seen:
            k, n = total.get((agent, int(at), signal), (0, 0))
            total[agent, int(at), signal] = k + int(bad or 0), n + int(seen)
    if not total:
        return
    statement = insert(connection, hours)
    grown = {"bad": hours.c.bad + statement.excluded.bad, "seen": hours.c.seen + statement.excluded.seen}
    upsert = statement.on_conflict_do_update(index_elements=["agent", "hour", "signal"], set_=grown)
    values = [
        {"agent": agent, "hour": at, "signal": signal, "bad": k, "seen": n}
        for (agent, at, signal), (k, n) in sorted(total.items())
    ]
    await connection.execute(upsert, values)
