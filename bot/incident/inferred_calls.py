"""Tool calls that no span records, read from what models asked for and from what later turns were told."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from bot.incident.telemetry import AskedTool, Span, SpanKind, ToldResult, ToolCall
from bot.incident.told_once import step_order

LAST = 2**63  # after every moment
COARSE_NS = 1_000_000  # JavaScript starts a span on a whole millisecond, and ends it on a finer clock


class _Call(NamedTuple):
    """A call that ``span``'s model asked for; it was its ``place``-th one. The turns from ``next_turn`` on may tell of it."""

    span: Span
    asked: AskedTool
    place: int
    next_turn: int


class _Told(NamedTuple):
    """A result, and which of the turns was told of it."""

    turn: int
    result: ToldResult


def inferred_calls(spans: Sequence[Span]) -> list[Span]:
    """Tool calls that a model asked for and that no span records, as steps of their own.

    A call is recorded when a tool's span has its id or its name (a framework that records one call of a tool
    records them all), or runs before the next turn with the same arguments, under a name of its own. An inferred step
    runs from the end of the model's turn to the start of the turn that was told its result; its id is made from that
    of the model's span, so that it is the same every time.
    """
    asking = [span for span in spans if span.model and span.model.asked]
    if not asking:
        return []
    turns = sorted((span for span in spans if span.model), key=step_order)
    calls = _unrecorded(asking, turns, spans)
    if not calls:
        return []
    ids = {asked.call_id for span in asking if span.model for asked in span.model.asked if asked.call_id}
    results = _Results(turns, ids)
    return [_inferred(call, turns, results.of(call)) for call in calls]


def recorded_as(tools: Iterable[tuple[str, str | None]]) -> set[str]:
    """By what a call that was asked for is known as recorded; ``tools`` are (name, call id) of the tools' spans."""
    known = list(tools)
    return {call_id for _, call_id in known if call_id} | {name for name, _ in known}


def _unrecorded(asking: Iterable[Span], turns: Sequence[Span], spans: Sequence[Span]) -> list[_Call]:
    recorded = recorded_as((span.tool.name, span.tool.call_id) for span in spans if span.tool)
    made: defaultdict[str, list[int]] = defaultdict(list)  # by arguments: when tools were called with them
    for span in spans:
        if span.tool and span.tool.arguments_hash:
            made[span.tool.arguments_hash].append(span.start_ns)
    for starts in made.values():
        starts.sort()
    order = [step_order(turn) for turn in turns]
    found = []
    for span in asking:
        over = max(span.start_ns, span.end_ns - COARSE_NS + 1)
        later = max(bisect_right(order, step_order(span)), bisect_left(order, (over, False)))
        until = turns[later].start_ns if later < len(turns) else LAST
        for place, asked in enumerate(span.model.asked if span.model else ()):
            starts = made.get(asked.arguments_hash or "", [])
            ran = bisect_left(starts, over) < bisect_right(starts, until)
            if not ran and not recorded & {asked.call_id, asked.name}:
                found.append(_Call(span, asked, place, later))
    return found


class _Results:
    """What turns were told, found without walking over the turns: a call of which none tells would walk over all.

    Results are known by their id and by their place. By its place a call with an id finds only those that have no
    call's id (``ids`` are those of all calls): some instrumentations write another id where the call is asked for than
    where its result is told.
    """

    def __init__(self, turns: Sequence[Span], ids: Container[str | None]) -> None:
        self._by_id: defaultdict[str, list[_Told]] = defaultdict(list)
        self._by_place: defaultdict[int, list[_Told]] = defaultdict(list)
        self._by_place_alone: defaultdict[int, list[_Told]] = defaultdict(list)
        for turn, span in enumerate(turns):
            for place, result in enumerate(span.model.told if span.model else ()):
                told = _Told(turn, result)
                self._by_place[place].append(told)
                if result.call_id not in ids:
                    self._by_place_alone[place].append(told)
                if result.call_id:
                    self._by_id[result.call_id].append(told)

    def of(self, call: _Call) -> _Told | None:
        """The first that a later turn was told of the call, by its id or else by its place."""
        by_place = self._by_place_alone if call.asked.call_id else self._by_place
        ways = (self._by_id.get(call.asked.call_id or "", ()), by_place.get(call.place, ()))
        found = [told[at] for told in ways if (at := bisect_left(told, call.next_turn, key=_turn)) < len(told)]
        return min(found, key=_turn, default=None)


def _turn(told: _Told) -> int:
    return told.turn


def _inferred(call: _Call, turns: Sequence[Span], told: _Told | None) -> Span:
    span, asked = call.span, call.asked
    start_ns = end_ns = span.end_ns
    if call.next_turn < len(turns):
        end_ns = turns[told.turn if told else call.next_turn].start_ns
        start_ns = min(start_ns, turns[call.next_turn].start_ns)
    made = sha256(f"{span.span_id}/{call.place}".encode()).hexdigest()[:16]
    result = told.result if told else ToldResult(None)
    tool = ToolCall(
        asked.name,
        asked.call_id,
        asked.arguments_hash,
        result.result_hash,
        asked.arguments_preview,
        result.result_preview,
        empty_result=result.empty,
    )
    return Span(
        span.trace_id,
        made,
        span.parent_id,
        SpanKind.TOOL,
        asked.name,
        start_ns,
        max(start_ns, end_ns),
        error=result.error,
        agent=span.agent,
        tool=tool,
        inferred=True,
    )
