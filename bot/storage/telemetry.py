"""The built-in telemetry store: spans, traces and scores on SQLite or PostgreSQL.

A trace's row is recomputed from all its spans whenever some arrive, so that a request sent
again, or spans that come late and out of order, change no count.
"""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from operator import itemgetter
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.incident.assembly import UNNAMED, assemble
from bot.incident.errors import Unavailable
from bot.incident.telemetry import EvalScore, Span, Trace
from bot.ports import Clock, TelemetryRetention, TelemetryStore, Traces
from bot.storage.database import Database
from bot.storage.recent_traces import RecentTraces
from bot.storage.span_json import score_from_json, score_to_json, span_from_json, span_to_json
from bot.storage.tables.telemetry import scores as scores_table
from bot.storage.tables.telemetry import spans as spans_table
from bot.storage.tables.telemetry import traces as traces_table
from bot.storage.transaction import insert

MOST_WAITING = 64  # posts; more are told to come back
POSTS_PER_COMMIT = 8
CHUNK = 500  # values in one IN list
STORED = (spans_table.c.trace_id, spans_table.c.span_id, spans_table.c.body)
CHUNK_OF_RETENTION = 1000  # traces deleted in one transaction, so that writers are never held up


@dataclass(slots=True)
class _Post:
    spans: Sequence[Span]
    scores: Sequence[EvalScore]
    kept: asyncio.Future[None]


class SqlTelemetry(TelemetryStore, TelemetryRetention, Traces):
    """Keeps telemetry, several posts to one commit, and reads it back."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._waiting: asyncio.Queue[_Post] = asyncio.Queue(MOST_WAITING)
        self._writer: asyncio.Task[None] | None = None
        self._recent = RecentTraces()
        self.spans_taken = 0  # since the start, for the metrics

    async def add(self, spans: Sequence[Span], scores: Sequence[EvalScore]) -> None:
        """Store all, or raise and store none. Returns after the commit.

        Raises:
            Unavailable: too many posts wait already, or the database is away.
        """
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        post = _Post(spans, scores, asyncio.get_running_loop().create_future())
        try:
            self._waiting.put_nowait(post)
        except asyncio.QueueFull:
            raise Unavailable("The telemetry store is busy; send it again.", timedelta(seconds=1)) from None
        await post.kept
        self.spans_taken += len(spans)

    async def close(self) -> None:
        """End the writer; what was acknowledged is stored, whoever still waits is told to send again."""
        if self._writer is not None:
            self._writer.cancel()
            with suppress(asyncio.CancelledError):
                await self._writer
        while not self._waiting.empty():
            _tell(self._waiting.get_nowait(), _stopping())

    async def _write(self) -> None:
        while True:
            posts = [await self._waiting.get()]
            while len(posts) < POSTS_PER_COMMIT and not self._waiting.empty():
                posts.append(self._waiting.get_nowait())
            try:
                await self._store(posts)
            except asyncio.CancelledError:
                for post in posts:
                    _tell(post, _stopping())
                raise

    async def _store(self, posts: Sequence[_Post]) -> None:
        """Commit the posts together; where that fails for one of them, each alone."""
        try:
            await self._commit(posts)
        except Exception as error:  # noqa: BLE001 - the worker's edge: each poster is told, the worker goes on
            if len(posts) == 1 or isinstance(error, Unavailable):
                for post in posts:
                    _tell(post, error)
                return
            for post in posts:
                await self._store([post])
        else:
            for post in posts:
                _tell(post, None)

    async def _commit(self, posts: Sequence[_Post]) -> None:
        arrived_ns = int(self._clock.now().timestamp() * 1e9)
        spans = {(span.trace_id, span.span_id): span for post in posts for span in post.spans}
        async with self._database.write() as connection:
            if spans:
                rows = [_span_row(spans[key]) for key in sorted(spans)]
                await connection.execute(insert(connection, spans_table).on_conflict_do_nothing(), rows)
                await self._roll_up(connection, sorted({key[0] for key in spans}), arrived_ns)
            scores = [score for post in posts for score in post.scores]
            if scores:
                agents = await self._agents_of(connection, scores)
                rows = [_score_row(score, agents.get(score.trace_id or ""), arrived_ns) for score in scores]
                rows = sorted({row["id"]: row for row in rows}.values(), key=itemgetter("id"))
                await connection.execute(insert(connection, scores_table).on_conflict_do_nothing(), rows)

    async def _roll_up(self, connection: AsyncConnection, trace_ids: Sequence[str], arrived_ns: int) -> None:
        rows = []
        for start in range(0, len(trace_ids), CHUNK):
            wanted = select(*STORED).where(spans_table.c.trace_id.in_(trace_ids[start : start + CHUNK]))
            found = (await connection.execute(wanted)).all()
            rows += [_trace_row(trace, arrived_ns) for trace in _traces(found)]
        statement = insert(connection, traces_table)
        renewed = {
            column.name: statement.excluded[column.name] for column in traces_table.c if column.name != "trace_id"
        }
        await connection.execute(statement.on_conflict_do_update(index_elements=["trace_id"], set_=renewed), rows)
        await self._claim(connection, rows)

    async def _claim(self, connection: AsyncConnection, traces: Sequence[Mapping[str, Any]]) -> None:
        """Scores that came before their trace, and named no agent, belong to the agent that it turns out to have."""
        agents = {row["trace_id"]: row["agent"] for row in traces if row["agent"] != UNNAMED}
        waiting = (scores_table.c.agent == UNNAMED, scores_table.c.trace_id.in_(list(agents)[:CHUNK]))
        wanted = select(scores_table.c.id, scores_table.c.trace_id, scores_table.c.body).where(*waiting)
        for row in (await connection.execute(wanted)).all():
            known = replace(score_from_json(row.body), agent=agents[row.trace_id])
            claimed = update(scores_table).where(scores_table.c.id == row.id)
            await connection.execute(claimed.values(agent=known.agent, body=score_to_json(known)))

    async def _agents_of(self, connection: AsyncConnection, scores: Sequence[EvalScore]) -> dict[str, str]:
        """The agent of each trace that a score without an agent is about."""
        unnamed = sorted({score.trace_id for score in scores if score.agent is None and score.trace_id})
        agents: dict[str, str] = {}
        for start in range(0, len(unnamed), CHUNK):
            among = traces_table.c.trace_id.in_(unnamed[start : start + CHUNK])
            found = await connection.execute(select(traces_table.c.trace_id, traces_table.c.agent).where(among))
            agents |= {row.trace_id: row.agent for row in found}
        return agents

    async def traces(self, agent: str, start_ns: int, end_ns: int, limit: int = 2000) -> tuple[Trace, ...]:
        """Traces of ``agent`` that start in [start, end), newest ``limit`` of them, in order of start, with spans."""
        within = (traces_table.c.agent == agent, traces_table.c.start_ns >= start_ns, traces_table.c.start_ns < end_ns)
        newest = (
            select(traces_table.c.trace_id, traces_table.c.spans)
            .where(*within)
            .order_by(traces_table.c.start_ns.desc())
            .limit(limit)
        )
        async with self._database.read() as connection:
            listed = (await connection.execute(newest)).all()
            known = {row.trace_id: self._recent.get(row.trace_id, row.spans) for row in listed}
            unread = [trace_id for trace_id, trace in known.items() if trace is None]
            found = await _read(connection, unread)
        if len(found) > CHUNK:
            fresh = await asyncio.to_thread(_traces, found)
        else:
            fresh = _traces(found)
        for trace in fresh:
            self._recent.put(trace)
        seen = [trace for trace in known.values() if trace is not None]
        return tuple(sorted([*seen, *fresh], key=lambda trace: (trace.start_ns, trace.id)))

    async def scores(self, agent: str, start_ns: int, end_ns: int) -> tuple[EvalScore, ...]:
        """Scores of ``agent`` in [start, end), in order of time."""
        within = (scores_table.c.agent == agent, scores_table.c.at_ns >= start_ns, scores_table.c.at_ns < end_ns)
        wanted = select(scores_table.c.body).where(*within).order_by(scores_table.c.at_ns, scores_table.c.id)
        async with self._database.read() as connection:
            return tuple(score_from_json(body) for body in (await connection.execute(wanted)).scalars())

    async def trace(self, trace_id: str) -> Trace | None:
        """One trace with its spans, or None."""
        wanted = select(*STORED).where(spans_table.c.trace_id == trace_id.lower())
        async with self._database.read() as connection:
            found = _traces((await connection.execute(wanted)).all())
        return found[0] if found else None

    async def agents(self, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Names of the agents that sent anything in [start, end), sorted."""
        sent = select(traces_table.c.agent).where(traces_table.c.start_ns >= start_ns, traces_table.c.start_ns < end_ns)
        judged = select(scores_table.c.agent).where(scores_table.c.at_ns >= start_ns, scores_table.c.at_ns < end_ns)
        async with self._database.read() as connection:
            names = set((await connection.execute(sent.distinct())).scalars())
            names |= set((await connection.execute(judged.distinct())).scalars())
        return tuple(sorted(names))

    async def delete_before(self, arrived_ns: int) -> int:
        """Delete what arrived before that moment, in small transactions; returns how many traces went."""
        gone = 0
        old = select(traces_table.c.trace_id).where(traces_table.c.arrived_ns < arrived_ns).limit(CHUNK_OF_RETENTION)
        while True:
            async with self._database.write() as connection:
                ids = list((await connection.execute(old)).scalars())
                await connection.execute(delete(scores_table).where(scores_table.c.arrived_ns < arrived_ns))
                for start in range(0, len(ids), CHUNK):
                    chunk = ids[start : start + CHUNK]
                    await connection.execute(delete(spans_table).where(spans_table.c.trace_id.in_(chunk)))
                    await connection.execute(delete(traces_table).where(traces_table.c.trace_id.in_(chunk)))
            gone += len(ids)
            if len(ids) < CHUNK_OF_RETENTION:
                return gone


def _span_row(span: Span) -> dict[str, object]:
    return {"trace_id": span.trace_id, "span_id": span.span_id, "start_ns": span.start_ns, "body": span_to_json(span)}


def _trace_row(trace: Trace, arrived_ns: int) -> dict[str, object]:
    return {
        "trace_id": trace.id,
        "agent": trace.agent,
        "start_ns": trace.start_ns,
        "end_ns": trace.end_ns,
        "error": trace.error,
        "complete": trace.complete,
        "spans": len(trace.spans),
        "arrived_ns": arrived_ns,
    }


def _score_row(score: EvalScore, agent_of_trace: str | None, arrived_ns: int) -> dict[str, Any]:
    """The row; its id is a hash of the score as it was sent, whoever it is attributed to."""
    sent = score_to_json(score)
    known = score if score.agent is not None or agent_of_trace is None else replace(score, agent=agent_of_trace)
    return {
        "id": sha256(sent.encode()).hexdigest()[:32],
        "agent": known.agent or UNNAMED,
        "at_ns": known.at_ns,
        "name": known.name,
        "trace_id": known.trace_id,
        "value": known.value,
        "passed": known.passed,
        "arrived_ns": arrived_ns,
        "body": sent if known is score else score_to_json(known),
    }


def _tell(post: _Post, error: Exception | None) -> None:
    if post.kept.done():  # the poster went away
        return
    if error is None:
        post.kept.set_result(None)
    else:
        post.kept.set_exception(error)


def _stopping() -> Unavailable:
    return Unavailable("The telemetry store is stopping; send it again.", timedelta(seconds=1))


def _traces(rows: Sequence[Any]) -> list[Trace]:
    """Traces from span rows (trace_id, span_id, body) in any order."""
    grouped: dict[str, list[Span]] = {}
    for trace_id, span_id, body in rows:
        grouped.setdefault(trace_id, []).append(span_from_json(trace_id, span_id, body))
    return [assemble(spans) for spans in grouped.values()]


async def _read(connection: AsyncConnection, trace_ids: Sequence[str]) -> list[Any]:
    """The span rows of those traces."""
    rows: list[Any] = []
    for start in range(0, len(trace_ids), CHUNK):
        wanted = select(*STORED).where(spans_table.c.trace_id.in_(trace_ids[start : start + CHUNK]))
        rows += (await connection.execute(wanted)).all()
    return rows
