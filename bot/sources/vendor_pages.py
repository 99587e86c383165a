"""Reading a vendor's pages until the last one, until it is enough, or until time or budget runs out."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, TypeVar

from bot.incident.assembly import assemble
from bot.incident.errors import Unavailable
from bot.incident.telemetry import EvalScore, Span, Trace
from bot.ports import SourceAsk
from bot.sources.vendor_rows import Row

AT_ONCE = 4  # requests under way together
FOR_READING = 0.85  # of the seconds; the rest is for making traces of what came

Page = tuple[Sequence[Any], str]  # rows, and the cursor of the next page, empty after the last
AskPage = Callable[[str], Awaitable[Page]]
Enough = Callable[[Sequence[Any]], bool]
T = TypeVar("T")


@dataclass(slots=True)
class Pages:
    """What came, and what ended it early; None when nothing did."""

    rows: list[Any] = field(default_factory=list)
    failure: Unavailable | None = None


async def read_pages(ask_page: AskPage, enough: Enough | None = None) -> Pages:
    """All rows of all pages. ``ask_page`` gets the cursor, empty at first; a cursor that repeats ends it.

    Some vendors name the last page again and again, without rows; with rows it is no end that could be believed.
    """
    pages = Pages()
    cursor, met = "", set[str]()
    while True:
        try:
            rows, cursor = await ask_page(cursor)
        except Unavailable as failure:
            pages.failure = failure
            return pages
        pages.rows += rows
        if not cursor or (enough and enough(pages.rows)):
            return pages
        if cursor in met:
            pages.failure = Unavailable("The pages go round in a circle.") if rows else None
            return pages
        met.add(cursor)


async def read_each(askers: Iterable[AskPage], at_once: int = AT_ONCE, enough: Enough | None = None) -> list[Pages]:
    """The pages of each of several questions, some of them under way at once, begun in their order."""
    free = asyncio.Semaphore(at_once)

    async def read(asker: AskPage) -> Pages:
        async with free:
            return await read_pages(asker, enough)

    return await asyncio.gather(*(read(asker) for asker in askers))


async def read_side_by_side(askers: Iterable[AskPage], enough: Enough | None = None) -> Pages:
    """As :func:`read_each`, the rows of all together; the first failure stands for all."""
    together = Pages()
    for pages in await read_each(askers, enough=enough):
        together.rows += pages.rows
        together.failure = together.failure or pages.failure
    return together


def rows_in(answer: object, name: str) -> Sequence[Any]:
    """The list an answer holds under that name; empty where there is none."""
    rows = answer.get(name) if isinstance(answer, dict) else None
    return rows if isinstance(rows, list) else ()


def enough_roots(traces: int, is_root: Callable[[Row], bool]) -> Enough:
    """Whether as many roots came as traces are asked for: newest first, whatever is older belongs to older traces."""
    return lambda rows: sum(1 for row in rows if isinstance(row, dict) and is_root(row)) >= traces


def texts_of(rows: Iterable[Any], name: str) -> list[str]:
    """That field of every row in which it is a text."""
    return [row[name] for row in rows if isinstance(row, dict) and isinstance(row.get(name), str)]


def cursor_in(answer: object, *path: str) -> str:
    """The cursor at that path of an answer; empty where there is none."""
    at = answer
    for name in path:
        at = at.get(name) if isinstance(at, dict) else None
    return at if isinstance(at, str) else ""


def chunks(items: Sequence[T], size: int) -> list[tuple[T, ...]]:
    """The items in runs of at most ``size``."""
    rest = iter(items)
    return list(iter(lambda: tuple(islice(rest, size)), ()))


def first_of_each(rows: Iterable[Any], name: str) -> list[Row]:
    """The rows without those whose field of that name, where it is text, was met before."""
    kept: dict[object, Row] = {}
    for position, row in enumerate(rows):
        key = row.get(name) if isinstance(row, dict) else None
        kept.setdefault(key if isinstance(key, str) else position, row)
    return list(kept.values())


def newest_traces(spans: Iterable[Span], ask: SourceAsk) -> tuple[Trace, ...]:
    """The traces that these spans make and that start in the asked time, the newest of them, in order of start.

    They were asked for as the agent's, so they are the agent's, whatever name their first step has.
    """
    grouped: dict[str, list[Span]] = {}
    for span in spans:
        grouped.setdefault(span.trace_id, []).append(span)
    traces = sorted(
        (replace(assemble(steps), agent=ask.agent) for steps in grouped.values()),
        key=lambda trace: (trace.start_ns, trace.id),
    )
    return tuple(trace for trace in traces if ask.start_ns <= trace.start_ns < ask.end_ns)[-ask.most_traces :]


def scores_in_time(scores: Iterable[EvalScore], ask: SourceAsk) -> tuple[EvalScore, ...]:
    """The scores of the asked time, in order."""
    return tuple(
        sorted(
            (score for score in scores if ask.start_ns <= score.at_ns < ask.end_ns),
            key=lambda score: (score.at_ns, score.trace_id or "", score.name),
        )
    )


def missing_rows(source: str, what: str, count: int) -> tuple[str, ...]:
    """The sentence about rows that could not be read; none when there were none."""
    return (f"{source}: {count} {what} could not be read.",) if count else ()
