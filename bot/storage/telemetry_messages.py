"""Messages that came as log records, in one commit: into their spans, or kept until those arrive.

They stand in their spans, so reading knows nothing of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import bindparam, delete, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.incident.logged_messages import LoggedMessages, Place, all_merged
from bot.storage.compact_json import written
from bot.storage.message_json import completed_json, messages_to_json
from bot.storage.tables.telemetry import spans as spans_table
from bot.storage.tables.telemetry import waiting_messages as waiting_table
from bot.storage.telemetry_rows import Arrived
from bot.storage.transaction import insert

# One step in the index for each place: an IN list of pairs would walk all spans on SQLite
_SPANS_IN = (
    "SELECT trace_id, span_id, body FROM json_each(?) AS place CROSS JOIN spans"
    " ON trace_id = json_extract(place.value, '$[0]') AND span_id = json_extract(place.value, '$[1]')"
)
_SPANS_AMONG = (
    "SELECT trace_id, span_id, body FROM unnest(%s::text[], %s::text[]) AS place (trace_id, span_id)"
    " JOIN spans USING (trace_id, span_id)"
)


async def with_messages(
    connection: AsyncConnection, post: Arrived, waiting: Mapping[Place, LoggedMessages], arrived_ns: int
) -> tuple[Arrived, set[str]]:
    """The post, its spans with what log records tell of them, and the traces whose stored spans have changed by it.

    ``waiting`` is all that waits for spans of the traces at hand.
    """
    told = all_merged([waiting, post.messages])
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


async def _stored(connection: AsyncConnection, places: Sequence[Place]) -> dict[Place, str]:
    """The spans of these places that are stored, as JSON."""
    if connection.dialect.name == "postgresql":
        traces, spans = [trace for trace, _ in places], [span for _, span in places]
        found = await connection.exec_driver_sql(_SPANS_AMONG, (traces, spans))
    else:
        found = await connection.exec_driver_sql(_SPANS_IN, (written(places),))
    return {(row.trace_id, row.span_id): row.body for row in found}


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
