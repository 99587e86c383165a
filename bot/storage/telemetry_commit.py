"""One commit of telemetry: spans in, their traces recomputed, scores attributed.

A trace's row is recomputed from all its spans whenever some arrive, so that a request sent
again, or spans that come late and out of order, change no count.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.incident.assembly import UNNAMED
from bot.incident.logged_messages import LoggedMessages, Place
from bot.storage.compact_json import written
from bot.storage.message_json import messages_from_json
from bot.storage.span_json import NOT_SAID, score_from_json, score_to_json
from bot.storage.tables.telemetry import scores as scores_table
from bot.storage.tables.telemetry import spans as spans_table
from bot.storage.tables.telemetry import traces as traces_table
from bot.storage.telemetry_messages import with_messages
from bot.storage.telemetry_rows import MOST_SPANS_READ, Arrived, ScoreRow, SpanRow, TraceRow, attributed
from bot.storage.transaction import insert

Reduce = Callable[[Sequence[SpanRow]], Awaitable[list[TraceRow]]]  # all spans of traces -> the rows of these traces

CHUNK = 500  # values in one IN list
STORED = (spans_table.c.trace_id, spans_table.c.span_id, spans_table.c.start_ns, spans_table.c.body)

_INSERT_SPANS = "INSERT INTO spans (trace_id, span_id, start_ns, body) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
# One text whatever the number of traces: an IN list would be put together anew for each post
_KNOWN = (
    "SELECT trace_id, '' AS span_id, spans, '' AS body FROM traces WHERE trace_id {among}"
    " UNION ALL SELECT trace_id, span_id, 0, body FROM waiting_messages WHERE trace_id {among}"
)
_KNOWN_IN = _KNOWN.format(among="IN (SELECT value FROM json_each(?))")
_KNOWN_AMONG = _KNOWN.format(among="= ANY(%s)")
_OPEN = "SELECT id, trace_id, agent, body FROM scores WHERE trace_id {among} AND (agent = '{nobody}' OR {open})"
_OPEN_IN = _OPEN.format(
    among="IN (SELECT value FROM json_each(?))", nobody=UNNAMED, open=f"substr(body, -{len(NOT_SAID)}) = '{NOT_SAID}'"
)
_OPEN_AMONG = _OPEN.format(among="= ANY(%s)", nobody=UNNAMED, open=f"right(body, {len(NOT_SAID)}) = '{NOT_SAID}'")
_ONE_WRITER = text("SELECT pg_advisory_xact_lock(20261123)")  # any constant; it names "telemetry is being written"
_ARRIVING = "CREATE TEMPORARY TABLE IF NOT EXISTS arriving (LIKE spans) ON COMMIT DELETE ROWS"
_COPY = "COPY arriving (trace_id, span_id, start_ns, body) FROM STDIN"
_MOVE = "INSERT INTO spans SELECT * FROM arriving ON CONFLICT DO NOTHING"
_PLACE = itemgetter(0, 1)  # trace id and span id of a row


async def commit(connection: AsyncConnection, post: Arrived, arrived_ns: int, reduce: Reduce) -> None:
    """Store one post within the transaction of ``connection``; traces that have grown are left to ``reduce``."""
    if post.spans or post.messages:
        if connection.dialect.name == "postgresql":  # two replicas must not count the same trace side by side
            await connection.execute(_ONE_WRITER)
        told_of = {trace_id for trace_id, _ in post.messages}
        stored, waiting = await _known(connection, sorted(post.traces.keys() | told_of))
        post, changed = await with_messages(connection, post, waiting, arrived_ns)
        if post.spans:
            await _insert(connection, sorted(post.spans, key=_PLACE))
        known = {trace_id: stored[trace_id] for trace_id in stored.keys() & (post.traces.keys() | changed)}
        await _roll_up(connection, _Growth(post, known, changed), arrived_ns, reduce)
    if post.scores:
        agents = await _agents_of(connection, post.scores)
        rows = [row if row["agent"] else attributed(row, agents.get(row["trace_id"])) for row in post.scores]
        stamped = {row["id"]: {**row, "arrived_ns": arrived_ns} for row in rows}
        ordered = [stamped[key] for key in sorted(stamped)]
        await connection.execute(insert(connection, scores_table).on_conflict_do_nothing(), ordered)


async def _known(
    connection: AsyncConnection, trace_ids: Sequence[str]
) -> tuple[dict[str, int], dict[Place, LoggedMessages]]:
    """How many spans are stored already of those traces that are, and the messages that wait for spans of them."""
    if connection.dialect.name == "postgresql":
        found = await connection.exec_driver_sql(_KNOWN_AMONG, (list(trace_ids), list(trace_ids)))
    else:
        found = await connection.exec_driver_sql(_KNOWN_IN, (written(trace_ids), written(trace_ids)))
    stored: dict[str, int] = {}
    waiting: dict[Place, LoggedMessages] = {}
    for row in found:
        if row.span_id:
            waiting[row.trace_id, row.span_id] = messages_from_json(row.body)
        else:
            stored[row.trace_id] = row.spans
    return stored, waiting


async def _insert(connection: AsyncConnection, rows: Sequence[SpanRow]) -> None:
    if connection.dialect.name != "postgresql":
        await connection.exec_driver_sql(_INSERT_SPANS, list(rows))
        return
    # COPY is many times as quick as INSERT, and cannot skip what is there: hence the detour
    raw = await connection.get_raw_connection()
    driver: Any = raw.driver_connection
    lines = "".join([f"{trace}\t{span}\t{at}\t{_escaped(body)}\n" for trace, span, at, body in rows])
    async with driver.cursor() as cursor:
        await cursor.execute(_ARRIVING)
        async with cursor.copy(_COPY) as copy:
            await copy.write(lines)
        await cursor.execute(_MOVE)


def _escaped(text: str) -> str:
    """The text as COPY wants it. Many times as quick as str.translate, which looks at each character."""
    return text.replace("\\", r"\\").replace("\t", r"\t").replace("\n", r"\n").replace("\r", r"\r")


@dataclass(frozen=True, slots=True)
class _Growth:
    """What is new in a commit: the post, how many spans were stored of its traces, and traces whose spans say more."""

    post: Arrived
    known: Mapping[str, int]
    changed: Collection[str]

    def is_replay(self, row: TraceRow) -> bool:
        """Nothing is new about that trace."""
        return row["trace_id"] not in self.changed and row["spans"] == self.known.get(row["trace_id"])


async def _roll_up(connection: AsyncConnection, growth: _Growth, arrived_ns: int, reduce: Reduce) -> None:
    post, known = growth.post, growth.known
    endless = {trace_id for trace_id, spans in known.items() if spans > MOST_SPANS_READ}
    rows = [row for trace_id, row in post.traces.items() if trace_id not in known and trace_id not in post.parts]
    grown = await read_spans(connection, sorted((known.keys() | post.parts) - endless))
    if grown:
        rows += [row for row in await reduce(grown) if not growth.is_replay(row)]
    if rows:
        statement = insert(connection, traces_table)
        renewed = {
            column.name: statement.excluded[column.name] for column in traces_table.c if column.name != "trace_id"
        }
        ordered = sorted(({**row, "arrived_ns": arrived_ns} for row in rows), key=itemgetter("trace_id"))
        await connection.execute(statement.on_conflict_do_update(index_elements=["trace_id"], set_=renewed), ordered)
        await _claim(connection, ordered)
    for trace_id in sorted(endless & post.traces.keys()):
        await _lengthen(connection, trace_id, post.traces[trace_id]["end_ns"], arrived_ns)


async def _lengthen(connection: AsyncConnection, trace_id: str, latest: int, arrived_ns: int) -> None:
    """A trace that never ends is counted on, and not read again."""
    counted = select(func.count()).select_from(spans_table).where(spans_table.c.trace_id == trace_id)
    of_this = traces_table.c.trace_id == trace_id
    values = {"spans": counted.scalar_subquery(), "arrived_ns": arrived_ns}
    await connection.execute(update(traces_table).where(of_this).values(values))
    await connection.execute(update(traces_table).where(of_this, traces_table.c.end_ns < latest).values(end_ns=latest))


async def read_spans(connection: AsyncConnection, trace_ids: Sequence[str]) -> list[Any]:
    """The span rows (trace id, span id, start, JSON) of those traces."""
    rows: list[Any] = []
    for start in range(0, len(trace_ids), CHUNK):
        wanted = select(*STORED).where(spans_table.c.trace_id.in_(trace_ids[start : start + CHUNK]))
        rows += (await connection.execute(wanted)).all()
    return rows


async def _claim(connection: AsyncConnection, traces: Sequence[Mapping[str, Any]]) -> None:
    """Scores that came before their trace, and named no agent, belong to the agent that it turns out to have."""
    agents = {row["trace_id"]: row["agent"] for row in traces if row["agent"] != UNNAMED}
    if not agents:
        return
    if connection.dialect.name == "postgresql":
        found = await connection.exec_driver_sql(_OPEN_AMONG, (list(agents),))
    else:
        found = await connection.exec_driver_sql(_OPEN_IN, (written(list(agents)),))
    for row in found.all():
        if row.agent != agents[row.trace_id]:
            known = score_from_json(row.body)._replace(agent=agents[row.trace_id])
            claimed = update(scores_table).where(scores_table.c.id == row.id)
            await connection.execute(claimed.values(agent=known.agent, body=score_to_json(known)))


async def _agents_of(connection: AsyncConnection, scores: Sequence[ScoreRow]) -> dict[str, str]:
    """The agent of each trace that a score is about whose sender named none."""
    unnamed = sorted({row["trace_id"] for row in scores if row["agent"] is None and row["trace_id"]})
    agents: dict[str, str] = {}
    for start in range(0, len(unnamed), CHUNK):
        among = traces_table.c.trace_id.in_(unnamed[start : start + CHUNK])
        found = await connection.execute(select(traces_table.c.trace_id, traces_table.c.agent).where(among))
        agents |= {row.trace_id: row.agent for row in found if row.agent != UNNAMED}
    return agents
