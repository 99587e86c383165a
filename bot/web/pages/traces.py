"""The page of one trace, and of a bad one beside a good one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.incident.detectors.findings import findings_of
from bot.incident.errors import NotFound
from bot.incident.evidence import Finding, FindingKind
from bot.incident.links import own_tool, safe
from bot.incident.outline import judged
from bot.incident.pairing import AlignedStep, align
from bot.incident.telemetry import EvalScore, Span, Trace
from bot.web.moments import EPOCH
from bot.web.pages.latest import Latest, Measured
from bot.web.pages.rendering import Rendering
from bot.web.pages.steps import (
    LOOK,
    Mark,
    Words,
    marks_of,
    name_of,
    repeats,
    runs_of,
    steps_of,
    strip_of,
    turns_of,
    words_of,
)
from bot.web.parts import Parts

MOST_STEPS = 500
RUN = 6  # rows shown of a run on one side
Turns = dict[str, tuple[int, int]]


@dataclass(frozen=True, slots=True)
class Side:
    """One of two tasks side by side. ``url`` is its page in the team's own tool."""

    trace: Trace
    started: datetime
    seconds: float
    errors: int
    repeats: list[tuple[str, int]]
    loops: tuple[str, ...]  # loops that are no repeated call, in words
    scores: tuple[EvalScore, ...]
    url: str | None


@dataclass(frozen=True, slots=True)
class Cell:
    """A step in the comparison."""

    icon: str
    kind: str
    name: str
    seconds: float
    marks: tuple[Mark, ...]
    words: tuple[Words, ...]
    span_id: str


@dataclass(frozen=True, slots=True)
class Row:
    """Two steps that belong together; a side is None where only the other task has one."""

    bad: Cell | None
    good: Cell | None
    word: str
    same: bool
    first: bool


@dataclass(frozen=True, slots=True)
class Stretch:
    """Rows that follow one another; folded away where a long run stands on one side only."""

    rows: tuple[Row, ...]
    start: int  # number of the first row
    folded: bool


@dataclass(frozen=True, slots=True)
class TracePages:
    """``/traces``."""

    parts: Parts
    rendering: Rendering
    latest: Latest

    def routes(self) -> list[Route]:
        """The routes."""
        return [Route("/traces/{bad}/beside/{good}", self.beside), Route("/traces/{trace_id}", self.trace)]

    async def trace(self, request: Request) -> Response:
        """One trace: its steps, errors and repeats."""
        task = await self._read(request.path_params["trace_id"])
        findings = findings_of(task)
        live = self._known(task)
        pair = live.bundle.pair if live else None
        return self.rendering.page(
            "trace",
            trace=task,
            agent=self.parts.catalogue.agent(task.agent),
            side=await self._side(task, findings),
            findings=findings,
            runs=runs_of(steps_of(task, findings, MOST_STEPS)),
            strip=strip_of(task, MOST_STEPS),
            hidden=max(0, len(task.spans) - MOST_STEPS),
            good=pair.good if pair and pair.bad == task.id else None,
        )

    async def beside(self, request: Request) -> Response:
        """Two traces side by side, the first difference marked."""
        bad, good = await self._read(request.path_params["bad"]), await self._read(request.path_params["good"])
        aligned = align(bad, good)
        turns = turns_of(bad.spans) | turns_of(good.spans)
        return self.rendering.page(
            "beside",
            bad=await self._side(bad, findings_of(bad)),
            good=await self._side(good, findings_of(good)),
            agent=self.parts.catalogue.agent(bad.agent),
            stretches=stretches(
                [row_of(row, turns, first=at == aligned.diverges) for at, row in enumerate(aligned.rows)]
            ),
            count=len(aligned.rows),
            diverges=aligned.diverges,
        )

    async def _read(self, trace_id: str) -> Trace:
        task = await self.parts.traces.trace(trace_id.lower())
        if task is None:
            raise NotFound(f"No trace {trace_id[:40]} is kept here; it may be older than the retention.")
        return task

    def _known(self, task: Trace) -> Measured | None:
        agent = self.parts.catalogue.agent(task.agent).name
        return self.latest.known(agent, task.environment or "") or self.latest.known(agent)

    def _names(self, task: Trace) -> frozenset[str]:
        return self.parts.catalogue.agent(task.agent).telemetry_names

    async def _side(self, task: Trace, findings: Sequence[Finding]) -> Side:
        live = self._known(task)
        again = repeats(task.spans)
        loops = [found.detail for found in findings if found.kind is FindingKind.LOOP]
        return Side(
            trace=task,
            started=EPOCH + timedelta(microseconds=task.start_ns // 1000),
            seconds=max(0, task.end_ns - task.start_ns) / 1e9,
            errors=sum(span.error for span in task.spans),
            repeats=again,
            loops=() if again else tuple(loops),
            scores=judged(task, await self.parts.traces.scores_of([task.id]), self._names(task)),
            url=safe(self.parts.page_of(task.id)) or (own_tool(live.bundle, task.id) if live else None),
        )


def row_of(row: AlignedStep, turns: Turns, *, first: bool) -> Row:
    """One row with the word for how its sides relate."""
    if row.bad is None:
        word = "only in the good one"
    elif row.good is None:
        word = "only in the bad one"
    else:
        word = "the same" if row.same else "ends differently"
    return Row(_cell(row.bad, turns), _cell(row.good, turns), word, row.same, first)


def stretches(rows: Sequence[Row]) -> list[Stretch]:
    """The rows, with long runs on one side folded after their first few."""
    found: list[Stretch] = []
    at = 0
    for _, run in groupby(rows, key=lambda row: row.word if row.bad is None or row.good is None else ""):
        part = tuple(run)
        one_sided = part[0].bad is None or part[0].good is None
        shown = RUN if one_sided and len(part) > RUN + 2 else len(part)
        found.append(Stretch(part[:shown], at + 1, folded=False))
        if part[shown:]:
            found.append(Stretch(part[shown:], at + shown + 1, folded=True))
        at += len(part)
    return found


def _cell(span: Span | None, turns: Turns) -> Cell | None:
    if span is None:
        return None
    icon, kind = LOOK[span.kind]
    marks = tuple(marks_of(span, turns.get(span.span_id)))
    return Cell(icon, kind, name_of(span), span.seconds, marks, tuple(words_of(span)), span.span_id)
