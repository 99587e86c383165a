"""Reading the built-in telemetry store."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import cache, partial
from operator import attrgetter
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Select, TextClause, bindparam, literal_column, or_, select, text

from bot.incident.draw import Draw
from bot.incident.first_sight import Sought
from bot.incident.outline import Outline
from bot.incident.reading import Reading, read
from bot.incident.telemetry import EvalScore, Trace
from bot.ports import Traces
from bot.storage.database import Database
from bot.storage.drawn_tasks import READ, first_with, rows_of_tasks, started_in
from bot.storage.head_json import HEADED, Head, head_of
from bot.storage.hourly_counts import counts_in
from bot.storage.outlines import needs_spans, outlines_of
from bot.storage.reading_json import models_from_json, reading_from_json
from bot.storage.recent_readings import MOST_MODELS, RecentReadings
from bot.storage.span_json import score_from_json
from bot.storage.tables.telemetry import scores as scores_table
from bot.storage.tables.telemetry import traces as traces_table
from bot.storage.telemetry_commit import CHUNK, STORED
from bot.storage.telemetry_rows import traces_of

IN_THREAD_FROM = 800  # rows decoded; more would hold up the event loop

T = TypeVar("T")

_T, _S = traces_table.c, scores_table.c
_IDS, _HEADED = (_T.trace_id,), tuple(_T[name] for name in HEADED)
SPANS_OF = select(*STORED).where(STORED[0].in_(bindparam("ids", expanding=True)))
STARTED_OF = select(_T.trace_id).where(_T.trace_id.in_(bindparam("ids", expanding=True)))
SCORES_OF = select(_S.trace_id, _S.body, _S.agent).where(_S.trace_id.in_(bindparam("ids", expanding=True)))


def _names_in(table: str, moment: str) -> TextClause:
    """The names with a row in [start, end), from one step in the index per name that ever was: rows are never walked."""
    return text(f"""
        WITH RECURSIVE named(agent) AS (
            SELECT min(agent) FROM {table}
            UNION ALL
            SELECT (SELECT min(agent) FROM {table} WHERE agent > named.agent) FROM named WHERE named.agent IS NOT NULL
        )
        SELECT agent FROM named WHERE EXISTS (
            SELECT 1 FROM {table} WHERE agent = named.agent AND {moment} >= :start AND {moment} < :end
        )""")  # noqa: S608 - our own words


_SENDING, _JUDGED = _names_in("traces", "start_ns"), _names_in("scores", "at_ns")


class TelemetryReads(Traces):
    """What the store knows."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._recent, self._models = RecentReadings(reading_from_json), RecentReadings(models_from_json, MOST_MODELS)

    async def traces(self, agent: str, start_ns: int, end_ns: int, limit: int = 2000) -> tuple[Trace, ...]:
        """Traces of ``agent`` that start in [start, end), newest ``limit`` of them, in order of start, with spans."""
        newest = select(_T.trace_id).where(*started_in([agent], start_ns, end_ns)).order_by(_T.start_ns.desc())
        return await self._with_spans(newest.limit(limit))

    async def listed(
        self, agents: Collection[str], limit: int, *, failed: bool = False, before_ns: int | None = None
    ) -> tuple[Trace, ...]:
        """The newest traces of these agents in order of start; only failed ones, or only earlier ones, where wanted."""
        wanted = _newest(_IDS, failed=failed, earlier=before_ns is not None)
        return await self._with_spans(wanted, {"agents": sorted(agents), "most": limit, "before": before_ns})

    async def outlines(
        self,
        agents: Collection[str],
        limit: int,
        make: Callable[[Outline], T],
        *,
        failed: bool = False,
        before_ns: int | None = None,
        steps: bool = True,
    ) -> Sequence[T]:
        """What ``make`` makes of each trace of :meth:`listed`, newest first; their steps never become nouns."""
        wanted = _newest(_HEADED, failed=failed, earlier=before_ns is not None)
        values = {"agents": sorted(agents), "most": limit, "before": before_ns}

        def find(connection: Connection) -> tuple[dict[str, Head | None], list[Any], list[Any]]:
            heads = {row[0]: head_of(row) for row in connection.execute(wanted, values)}
            judged = _rows_of(connection, list(heads), SCORES_OF)
            others = {row.trace_id for row in judged if row.agent not in agents}  # a part of the agent, or a stranger
            told = [one for one, head in heads.items() if needs_spans(head, steps=steps) or one in others]
            return heads, _rows_of(connection, told, SPANS_OF), judged

        def made() -> Sequence[T]:
            return [make(one) for one in outlines_of(heads, rows, judged, agents, steps=steps)]

        heads, rows, judged = await self._database.look(find)
        return await asyncio.to_thread(made) if len(rows) > IN_THREAD_FROM else made()

    async def _with_spans(self, wanted: Select[Any], values: Mapping[str, Any] | None = None) -> tuple[Trace, ...]:
        def find(connection: Connection) -> list[Any]:
            return _rows_of(connection, connection.execute(wanted, values).scalars().all(), SPANS_OF)

        rows = await self._database.look(find)
        found = await asyncio.to_thread(traces_of, rows) if len(rows) > IN_THREAD_FROM else traces_of(rows)
        return tuple(sorted(found, key=lambda trace: (trace.start_ns, trace.id)))

    async def trace(self, trace_id: str) -> Trace | None:
        """One trace with its spans, or None."""
        rows = await self._database.look(lambda connection: _rows_of(connection, [trace_id.lower()], SPANS_OF))
        return traces_of(rows)[0] if rows else None

    async def readings(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int = 4000
    ) -> tuple[Reading, ...]:
        """Tasks of these agents that started in [start, end), newest ``limit`` of them, in order of start."""
        newest = select(*READ).where(*started_in(agents, start_ns, end_ns)).order_by(_T.start_ns.desc()).limit(limit)
        found = await self._database.look(lambda connection: _with_unread(connection, connection.execute(newest).all()))
        return await self._read(found, self._recent)

    async def drawn(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int, newest: int
    ) -> tuple[tuple[Reading, ...], Draw | None]:
        """Tasks of these agents that started in [start, end), in order of start.

        Of more than ``limit`` the ``newest`` ones and a draw of the others, and what was drawn. A draw tells of at most
        :data:`~bot.storage.drawn_tasks.MOST_STARTS` tasks, the newest.
        """

        def find(connection: Connection) -> tuple[_Rows, Draw | None]:
            rows, draw = rows_of_tasks(connection, agents, (start_ns, end_ns), limit, newest)
            return _with_unread(connection, rows), draw

        rows, draw = await self._database.look(find)
        return await self._read(rows, self._recent), draw

    async def first_with(self, agents: Collection[str], start_ns: int, sought: Sequence[Sought]) -> tuple[Reading, ...]:
        """For each value sought, the first task of these agents from ``start_ns`` on that has it, where there is one."""

        def find(connection: Connection) -> list[Reading]:
            return first_with(connection, agents, start_ns, sought, reading_from_json)

        return tuple(await self._database.look(find))

    async def sampled(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int, *, models_only: bool = False
    ) -> Mapping[str, tuple[Reading, ...]]:
        """By agent, its tasks that started in [start, end); of more than ``limit`` the newest half and a draw of the others.

        With ``models_only`` they tell when they were and what their models did, and nothing else: that is quicker.
        """
        recent = self._models if models_only else self._recent

        def find(connection: Connection) -> list[_Rows]:
            between, half = (start_ns, end_ns), limit // 2
            of_each = (rows_of_tasks(connection, [agent], between, limit, half)[0] for agent in agents)
            return [_with_unread(connection, rows) for rows in of_each]

        found = await self._database.look(find)
        return {agent: await self._read(rows, recent) for agent, rows in zip(agents, found, strict=True)}

    async def _read(self, found: "_Rows", recent: RecentReadings) -> tuple[Reading, ...]:
        """Rows of traces as readings, in order of start."""
        rows, spans = found
        unread = [read(trace) for trace in traces_of(spans)]
        known = await asyncio.to_thread(recent.of, rows) if len(rows) > IN_THREAD_FROM else recent.of(rows)
        return tuple(sorted([*known, *unread], key=attrgetter("at_ns", "id")))

    async def scores(
        self, agent: str, start_ns: int, end_ns: int, of: Collection[str] | None = None
    ) -> tuple[EvalScore, ...]:
        """Scores of ``agent`` in [start, end), in order of time; only of the tasks ``of``, and of none, where given."""
        wanted = select(_S.body).where(_S.agent == agent, _S.at_ns >= start_ns, _S.at_ns < end_ns)
        if of is not None:
            wanted = wanted.where(or_(_S.trace_id.is_(None), _S.trace_id.in_(of)))
        wanted = wanted.order_by(_S.at_ns, _S.id)
        bodies = await self._database.look(lambda connection: connection.execute(wanted).scalars().all())
        return tuple([score_from_json(body) for body in bodies])

    async def starts(self, agents: Collection[str], start_ns: int, end_ns: int, limit: int) -> Sequence[int]:
        """When tasks of these agents started in [start, end), in order; the newest ``limit`` of them."""
        wanted = select(_T.start_ns).where(*started_in(agents, start_ns, end_ns)).order_by(_T.start_ns.desc())
        return await self._database.look(
            lambda connection: connection.execute(wanted.limit(limit)).scalars().all()[::-1]
        )

    async def begun_before(self, trace_ids: Collection[str], moment_ns: int) -> frozenset[str]:
        """Those of the traces that are kept here and started before that moment."""
        wanted, ids = STARTED_OF.where(_T.start_ns < moment_ns), sorted(trace_ids)
        return frozenset(
            await self._database.look(lambda connection: [one for (one,) in _rows_of(connection, ids, wanted)])
        )

    async def scores_of(self, trace_ids: Sequence[str]) -> tuple[EvalScore, ...]:
        """Every score of these traces, in order of time."""
        rows = await self._database.look(lambda connection: _rows_of(connection, trace_ids, SCORES_OF))
        return tuple(sorted((score_from_json(row.body) for row in rows), key=lambda score: score.at_ns))

    async def agents(self, start_ns: int, end_ns: int) -> tuple[str, ...]:
        """Names of the agents that sent anything in [start, end), sorted."""
        within = {"start": start_ns, "end": end_ns}
        return await self._database.look(
            lambda connection: tuple(
                sorted({name for names in (_SENDING, _JUDGED) for name in connection.execute(names, within).scalars()})
            )
        )

    async def usual(self, agents: Collection[str], hours: Collection[int]) -> Mapping[str, tuple[int, int]]:
        """How many (bad, all) there were in these hours, by signal: from what is stored and from what is forgotten."""
        total: dict[str, tuple[int, int]] = {}
        if not hours:
            return total
        count = partial(counts_in, sorted(hours), sorted(agents))
        for name, bad, seen in await self._database.look(count):
            if seen:
                k, n = total.get(name, (0, 0))
                total[name] = k + int(bad or 0), n + int(seen)
        return total


@cache  # put together anew for each look it would take as long as its answer
def _newest(columns: tuple[ColumnElement[Any], ...], *, failed: bool, earlier: bool) -> Select[Any]:
    """The newest ``most`` traces of ``agents``, from the newest; only failed ones, or those ``before``, where wanted."""
    wanted = select(*columns).where(_T.agent.in_(bindparam("agents", expanding=True)))
    if failed:
        wanted = wanted.where(_T.failed == literal_column("1"))  # a parameter would miss the index of those that failed
    if earlier:
        wanted = wanted.where(_T.start_ns < bindparam("before"))
    return wanted.order_by(_T.start_ns.desc(), _T.trace_id.desc()).limit(bindparam("most"))


_Rows = tuple[Sequence[Any], Sequence[Any]]  # of traces, and the spans of those that were stored without a reading


def _with_unread(connection: Connection, rows: Sequence[Any]) -> _Rows:
    return rows, _rows_of(connection, [row.trace_id for row in rows if row.reading is None], SPANS_OF)


def _rows_of(connection: Connection, trace_ids: Sequence[str], wanted: Select[Any]) -> list[Any]:
    rows: list[Any] = []
    for start in range(0, len(trace_ids), CHUNK):
        rows += connection.execute(wanted, {"ids": trace_ids[start : start + CHUNK]}).all()
    return rows
