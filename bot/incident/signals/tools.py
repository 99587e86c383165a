"""Tools: errors, empty and slow answers, and how far they concentrate in one or two of them."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from bot.incident.evidence import Signal
from bot.incident.reading import Reading, ToolStep
from bot.incident.signals.measure import Seen, counted, growth, share
from bot.incident.signals.models import failed_calls
from bot.incident.signals.scope import Scope
from bot.incident.statistics import quantile

WORST_TOOLS = 3
SLOW = 4.0  # times the usual time of a call: below it lies the ordinary spread
SLOW_AT_LEAST = 1.0  # seconds; nobody minds what is quicker
FEWEST_TASKS = 10  # that used a tool before what is usual for it is known
MOST_TASKS = 0.9  # of the tasks that use a tool call it at most as often as is called usual


class Usual(NamedTuple):
    """What is usual for one tool: calls in one task, and seconds per call beyond which it is slow."""

    calls: int
    slow: float


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Errors and empty answers over all tools, the concentration, and one signal each for the worst tools."""
    age = scope.span_age
    found = [
        counted(
            scope,
            name,
            label,
            (*calls(scope.now, bad), *calls(scope.before, bad)),
            list(dict.fromkeys(reading.id for reading in reversed(scope.now) if any(map(bad, reading.tools)))),
            fresh_seconds=age,
        )
        for name, label, bad in (
            ("tool_errors", "tool calls failed", erring),
            ("empty_results", "tool calls had an empty answer", empty),
        )
    ]
    found.append(concentration(scope))
    return (*found, *worst_tools(scope))


def calls(readings: Iterable[Reading], bad: Callable[[ToolStep], bool]) -> tuple[int, int]:
    """How many tool calls went wrong that way, and how many there were."""
    wrong = total = 0
    for reading in readings:
        wrong += sum(map(bad, reading.tools))
        total += len(reading.tools)
    return wrong, total


def per_tool(
    readings: Iterable[Reading], usual: Mapping[str, Usual], wanted: Iterable[tuple[str, str]] | None = None
) -> dict[tuple[str, str], list[Seen]]:
    """By kind of trouble and tool, one observation per task that used the tool: did any of its calls go wrong?

    Of each tool only as many calls of a task are looked at as tasks usually make: one that calls it twenty times
    sees some noise for sure. Whether it is slow is told where ``usual`` knows how long it takes. Without ``wanted``,
    what never went wrong is left out.
    """
    marked = [(reading, *_marks(reading, usual)) for reading in readings]
    pairs = wanted if wanted is not None else sorted({pair for _, _, bad in marked for pair in bad})
    found: dict[tuple[str, str], list[Seen]] = {pair: [] for pair in pairs}
    for reading, used, bad in marked:
        for pair, observed in found.items():
            if pair[1] in used:
                observed.append(tuple.__new__(Seen, (reading.id, reading.at_ns, pair in bad)))
    return found


def _marks(reading: Reading, usual: Mapping[str, Usual]) -> tuple[Mapping[str, int], set[tuple[str, str]]]:
    """How often the task called each tool, and what went wrong with which."""
    use = reading.use
    bad = {("slow", name) for name, seconds in use.paces if name in usual and seconds > usual[name].slow}
    if use.wrong:
        bad.update((what, name) for what, name, call in use.wrong if name not in usual or call <= usual[name].calls)
    return use.calls, bad


def usual_of(readings: Iterable[Reading]) -> dict[str, Usual]:
    """What is usual for each tool that enough of the tasks used."""
    calls: defaultdict[str, list[int]] = defaultdict(list)
    seconds: defaultdict[str, list[float]] = defaultdict(list)
    for reading in readings:
        use = reading.use
        for name, count in use.calls.items():
            calls[name].append(count)
        for name, each in use.paces:
            seconds[name].append(each)
    return {
        name: Usual(
            max(1, round(quantile(found, MOST_TASKS))),
            max(SLOW_AT_LEAST, SLOW * quantile(seconds[name], 0.5)) if seconds[name] else math.inf,
        )
        for name, found in calls.items()
        if len(found) >= FEWEST_TASKS
    }


def worst_tools(scope: Scope) -> tuple[Signal, ...]:
    """The tools whose trouble grew most, the worst first, named "tool:<name>", "empty:<name>" or "slow:<name>"."""
    usual = usual_of(scope.before)
    now = per_tool(scope.now, usual)
    before = per_tool(scope.before, usual, now)
    found = [
        share(
            scope,
            f"{trouble}:{name}",
            f"tasks saw {name} {TROUBLES[trouble]}",
            seen,
            before[trouble, name],
            fresh_seconds=scope.span_age,
        )
        for (trouble, name), seen in now.items()
    ]
    found.sort(key=growth, reverse=True)
    return tuple(found[:WORST_TOOLS])


def concentration(scope: Scope) -> Signal:
    """The share of failing calls that fall on the two worst tools, of all failing calls of models and tools."""
    k, n, worst, traces = _top_two(scope.now)
    k0, n0, _, _ = _top_two(scope.before)
    label = "failing calls fall on the two worst tools"
    counts, note = (k, n, k0, n0), ", ".join(worst)
    return counted(scope, "failing_top2", label, counts, traces, fresh_seconds=scope.span_age, note=note)


def _top_two(readings: Sequence[Reading]) -> tuple[int, int, tuple[str, ...], tuple[str, ...]]:
    """Failing calls on the two worst tools, all failing calls, those tools, and traces that show them, newest first."""
    failing = [
        (step, reading.id) for reading in reversed(readings) for step in reading.tools if step.error or step.empty
    ]
    of_models = sum(map(failed_calls, readings))
    top = Counter(step.name for step, _ in failing).most_common(2)
    names = tuple(name for name, _ in top)
    traces = dict.fromkeys(trace_id for step, trace_id in failing if step.name in names)
    return sum(count for _, count in top), len(failing) + of_models, names, tuple(traces)[:5]


def erring(step: ToolStep) -> bool:
    """The call failed."""
    return step.error


def empty(step: ToolStep) -> bool:
    """The call answered nothing, without an error."""
    return step.empty


TROUBLES = {"tool": "fail", "empty": "answer nothing", "slow": "take far longer than usual"}
