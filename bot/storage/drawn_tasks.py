"""Tasks of a busy agent: the newest, and a draw of those before them."""

import math
from bisect import bisect_left
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, or_, select

from bot.incident.draw import Draw
from bot.incident.first_sight import Sought
from bot.incident.reading import Reading
from bot.storage.compact_json import written
from bot.storage.recent_readings import Decode
from bot.storage.tables.telemetry import traces as traces_table

MOST_STARTS = 50_000  # tasks of which a draw tells; of more the newest
MOST_WITH = 50  # tasks that hold a word, looked at for whether it is the value sought
TURN, SPREAD, LOTS = 1_000_003, 2_654_435_761, 1 << 32  # Knuth's multiplicative hash: near moments get lots far apart
_T = traces_table.c
# Of a trace's row: both grow, and a coarse clock may stand still between two commits
VERSION = _T.arrived_ns + _T.spans
READ = (_T.trace_id, _T.start_ns, VERSION, _T.reading)


def rows_of_tasks(
    connection: Connection, agents: Collection[str], between: tuple[int, int], limit: int, newest: int
) -> tuple[Sequence[Any], Draw | None]:
    """The rows of all tasks that started between; of more than ``limit`` the ``newest`` and one in so many of those before.

    A draw tells of at most :data:`MOST_STARTS` tasks, the newest.
    """
    within = started_in(agents, *between)
    counted = select(_T.start_ns).where(*within).order_by(_T.start_ns.desc()).limit(MOST_STARTS)
    starts = connection.execute(counted).scalars().all()[::-1]
    rows = select(*READ).where(*within)
    if len(starts) <= limit:
        return connection.execute(rows).all(), None
    since = starts[-newest] if newest else between[1]
    older = bisect_left(starts, since)
    if not older:  # all of them started at one moment
        return connection.execute(rows).all(), None
    doublings = max(0, math.ceil(math.log2(older / (limit - newest))))
    lot = _T.start_ns // 1_000 % TURN * SPREAD % LOTS
    chosen = or_(_T.start_ns >= since, and_(_T.start_ns >= starts[0], lot < LOTS >> doublings))
    return connection.execute(rows.where(chosen)).all(), Draw(starts, since, 1 << doublings)


def first_with(
    connection: Connection, agents: Collection[str], start_ns: int, sought: Sequence[Sought], decode: Decode
) -> list[Reading]:
    """For each value sought, the first task from ``start_ns`` on that has it, where there is one: one walk for all of them."""
    holding = [and_(_T.start_ns < one.before_ns, _holds(one)) for one in sought]
    latest = max((one.before_ns for one in sought), default=start_ns)
    walk = select(*(func.min(case((held, _T.start_ns))) for held in holding)).where(
        *started_in(agents, start_ns, latest)
    )
    firsts = connection.execute(walk).one() if sought else ()
    found = []
    for one, first in zip(sought, firsts, strict=True):
        if first is not None:  # its word, which may stand there for something else
            wanted = select(*READ).where(*started_in(agents, first, one.before_ns), _holds(one))
            rows = connection.execute(wanted.order_by(_T.start_ns).limit(MOST_WITH))
            tasks = (decode(row.trace_id, row.start_ns, row.reading) for row in rows)
            found += [task for task in [next(filter(one.is_in, tasks), None)] if task is not None]
    return found


def _holds(sought: Sought) -> ColumnElement[bool]:
    return _T.reading.contains(written(sought.word), autoescape=True)


def started_in(agents: Collection[str], start_ns: int, end_ns: int) -> tuple[Any, ...]:
    """The conditions: tasks of these agents that started in [start, end)."""
    return _T.agent.in_(sorted(agents)), _T.start_ns >= start_ns, _T.start_ns < end_ns
