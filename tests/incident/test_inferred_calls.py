"""Calls that only models tell of: which result is whose, and how much is read to know it."""

from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.inferred_calls import COARSE_NS, LAST, inferred_calls
from bot.incident.telemetry import AskedTool, ModelCall, Span, SpanKind, ToldResult, ToolCall

TRACE = "a" * 32
MANY = 400  # turns

call_ids = st.sampled_from([None, "c1", "c2", "c3", "else"])
asked_tools = st.builds(AskedTool, st.sampled_from(["look", "book"]), call_ids, st.sampled_from([None, "h1", "h2"]))
told_results = st.builds(ToldResult, call_ids, st.text("xyz", min_size=3, max_size=3))


def step(at: int, name: str = "chat", length: int = 5_000_000, **more: ModelCall | ToolCall) -> Span:
    kind = SpanKind.LLM if "model" in more else SpanKind.TOOL
    start = at * 10_000_000
    return Span(TRACE, f"{at:016x}", "f" * 16, kind, name, start, start + length, **more)  # type: ignore[arg-type]


@st.composite
def runs(draw: st.DrawFn) -> list[Span]:
    spans = []
    for at in range(draw(st.integers(1, 8))):
        if draw(st.booleans()) and draw(st.booleans()):
            spans.append(step(at, tool=ToolCall(draw(st.sampled_from(["look", "other"])), None, "h1")))
        else:
            asked = tuple(draw(st.lists(asked_tools, max_size=3)))
            told = tuple(draw(st.lists(told_results, max_size=3)))
            long = draw(st.sampled_from([5_000_000, 15_000_000]))
            spans.append(step(at, length=long, model=ModelCall(asked=asked, told=told)))
    return spans


def walked(spans: list[Span]) -> list[tuple[str, str | None, int, int]]:
    """Name, result, start and end of each call, found the plain way: by a walk over all later turns."""
    tools = [(span.tool, span.start_ns) for span in spans if span.tool]
    turns = [span for span in spans if span.model]
    ids = {one.call_id for turn in turns if turn.model for one in turn.model.asked if one.call_id}
    found = []
    for asking in turns:
        later = [turn for turn in turns if turn is not asking and turn.start_ns > asking.end_ns - COARSE_NS]
        until = later[0].start_ns if later else LAST
        for place, asked in enumerate(asking.model.asked if asking.model else ()):
            if any(
                tool.name == asked.name
                or (asked.arguments_hash == tool.arguments_hash and asking.end_ns - COARSE_NS < start <= until)
                for tool, start in tools
            ):
                continue
            told = [(result, turn) for turn in later for result in results_for(asked, place, turn, ids)]
            result = told[0][0].result_hash if told else None
            start = min(asking.end_ns, until)
            end = told[0][1].start_ns if told else min(until, later[0].start_ns) if later else start
            found.append((asked.name, result, start, max(start, end)))
    return found


def results_for(asked: AskedTool, place: int, turn: Span, ids: set[str]) -> list[ToldResult]:
    told = turn.model.told if turn.model else ()
    by_id = [one for one in told if asked.call_id and one.call_id == asked.call_id]
    return [*by_id, *(one for one in told[place : place + 1] if not asked.call_id or one.call_id not in ids)]


@given(runs())
@settings(max_examples=300, deadline=None)
def test_a_result_is_the_first_that_a_walk_over_the_later_turns_finds(spans: list[Span]) -> None:
    found = [(one.name, one.tool.result_hash, one.start_ns, one.end_ns) for one in inferred_calls(spans) if one.tool]
    assert found == walked(spans)


class Counted(tuple[ToldResult, ...]):
    """What a turn was told; it counts how often somebody looks."""

    __slots__ = ()
    looks = 0

    def __iter__(self) -> Iterator[ToldResult]:
        Counted.looks += 1
        return super().__iter__()

    def __len__(self) -> int:
        Counted.looks += 1
        return super().__len__()


def test_calls_of_which_nobody_tells_do_not_make_all_later_turns_be_read() -> None:
    """A framework that never tells results makes every call look in vain; a long run has thousands."""
    Counted.looks = 0
    only_one = Counted((ToldResult("c0", "found"),))
    spans = [
        step(at, model=ModelCall(asked=(AskedTool("look", f"c{at}"), AskedTool("book")), told=only_one))
        for at in range(MANY)
    ]
    calls = inferred_calls(spans)
    results = [call.tool.result_hash for call in calls if call.tool]
    assert results == ["found"] + [None] * (2 * MANY - 1)
    assert Counted.looks <= 2 * MANY
