"""Messages that came as log records, in one commit: into their spans, or kept until those arrive.

They stand in their spans, so reading knows nothing of them. Spans that nobody logs about cost one look into the
table of what waits, a commit.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, delete, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.incident.logged_messages import LoggedMessages, Place, all_joined
from bot.storage.compact_json import written
from bot.storage.message_json import completed_json, messages_from_json, messages_to_json
from bot.storage.tables.telemetry import spans as spans_table
from bot.storage.tables.telemetry import waiting_messages as waiting_table
from bot.storage.telemetry_rows import Arrived
from bot.storage.transaction import insert

CHUNK = 500  # places in one IN list

_WAITING_IN = "SELECT trace_id, span_id, body FROM waiting_messages WHERE trace_id IN (SELECT value FROM json_each(?))"
_WAITING_AMONG = "SELECT trace_id, span_id, body FROM waiting_messages WHERE trace_id = ANY(%s)"


async def with_messages(connection: AsyncConnection, post: Arrived, arrived_ns: int) -> tuple[Arrived, set[str]]:
    """The post, its spans with what log records tell of them, and the traces whose stored spans have changed by it."""
    traces = {trace_id for trace_id, _ in post.messages}
    waiting = await _waiting(connection, sorted(post.traces.keys() | traces))
    told = all_joined([waiting, post.messages])
    if not told:
        return post, set()
    stored = await _stored(connection, sorted(told))
    grown = {place: body for place, old in stored.items() if (body := completed_json(*place, old, told[place])) != old}
    arriving = {(row[0], row[1]) for row in post.spans} & told.keys() - stored.keys()
    await _rewrite(connection, grown)
    await _take(connection, waiting.keys() & (stored.keys() | arriving))
    left = {place: messages for place, messages in told.items() if place not in stored and place not in arriving}
    await _keep(connection, {place: one for place, one in left.items() if waiting.get(place) != one}, arrived_ns)
    spans = [
        (row[0], row[1], row[2], completed_json(row[0], row[1], row[3], told[row[0], row[1]]))
        if (row[0], row[1]) in arriving
        else row
        for row in post.spans
    ]
    parts = post.parts | {trace_id for trace_id, _ in arriving}
    return replace(post, spans=spans, parts=parts), {trace_id for trace_id, _ in grown}


async def _waiting(connection: AsyncConnection, trace_ids: Sequence[str]) -> dict[Place, LoggedMessages]:
    if connection.dialect.name == "postgresql":
        found = await connection.exec_driver_sql(_WAITING_AMONG, (list(trace_ids),))
    else:
        found = await connection.exec_driver_sql(_WAITING_IN, (written(trace_ids),))
    return {(row.trace_id, row.span_id): messages_from_json(row.body) for row in found}


async def _stored(connection: AsyncConnection, places: Sequence[Place]) -> dict[Place, str]:
    columns = spans_table.c
    found: dict[Place, str] = {}
    for start in range(0, len(places), CHUNK):
        among = tuple_(columns.trace_id, columns.span_id).in_(places[start : start + CHUNK])
        rows = await connection.execute(select(columns.trace_id, columns.span_id, columns.body).where(among))
        found |= {(trace_id, span_id): body for trace_id, span_id, body in rows}
    return found


async def _rewrite(connection: AsyncConnection, bodies: Mapping[Place, str]) -> None:
    if bodies:
        of_it = _at(spans_table)
        rows = [{"trace": trace, "span": span, "completed": bodies[trace, span]} for trace, span in sorted(bodies)]
        await connection.execute(update(spans_table).where(*of_it).values(body=bindparam("completed")), rows)


async def _take(connection: AsyncConnection, places: Iterable[Place]) -> None:
    rows = [{"trace": trace, "span": span} for trace, span in sorted(places)]
    if rows:
        await connection.execute(delete(waiting_table).where(*_at(waiting_table)), rows)


async def _keep(connection: AsyncConnection, messages: Mapping[Place, LoggedMessages], arrived_ns: int) -> None:
    if not messages:
        return
    statement = insert(connection, waiting_table)
    renewed = {"body": statement.excluded.body, "arrived_ns": statement.excluded.arrived_ns}
    rows = [
        {"trace_id": trace, "span_id": span, "arrived_ns": arrived_ns, "body": messages_to_json(messages[trace, span])}
        for trace, span in sorted(messages)
    ]
    await connection.execute(
        statement.on_conflict_do_update(index_elements=["trace_id", "span_id"], set_=renewed), rows
    )


def _at(table: Any) -> tuple[Any, Any]:
    return table.c.trace_id == bindparam("trace"), table.c.span_id == bindparam("span")
