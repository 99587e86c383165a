"""Tools: errors, empty and slow answers, and how far they concentrate in one or two of them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from bot.incident.evidence import Signal, Unit
from bot.incident.reading import Reading, ToolStep
from bot.incident.signals.measure import RELEVANT_SHARE, Seen, direction, growth, share
from bot.incident.signals.scope import Scope
from bot.incident.statistics import newcombe, quantile, wilson

WORST_TOOLS = 3
SLOW = 4.0  # times the usual time of a call: below it lies the ordinary spread
SLOW_AT_LEAST = 1.0  # seconds; nobody minds what is quicker
FEWEST_TIMES = 10
OF_TOOL = "tool "  # how a tool's time is named in what a task spent


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Errors and empty answers over all tools, the concentration, and one signal each for the worst tools."""
    age = scope.span_age
    found = [
        share(
            scope,
            "tool_errors",
            "tool calls failed",
            calls(scope.now, erring),
            calls(scope.before, erring),
            fresh_seconds=age,
        ),
        share(
            scope,
            "empty_results",
            "tool calls had an empty answer",
            calls(scope.now, empty),
            calls(scope.before, empty),
            fresh_seconds=age,
        ),
        concentration(scope),
    ]
    return (*found, *worst_tools(scope))


def calls(readings: Iterable[Reading], bad: Callable[[ToolStep], bool]) -> list[Seen]:
    """One observation per tool call."""
    return [Seen(reading.id, step.at_ns, bad(step)) for reading in readings for step in reading.tools]


def per_tool(
    readings: Iterable[Reading], limits: Mapping[str, float] | None = None
) -> dict[str, dict[str, list[Seen]]]:
    """By kind of trouble, observations of each tool, one per task that used it.

    A tool is bad to a task whose first call, or half of whose calls, went wrong: a task that calls it twenty times
    sees some noise for sure. ``limits`` says from how many seconds per call a tool is slow.
    """
    found: dict[str, defaultdict[str, list[Seen]]] = {kind: defaultdict(list) for kind in TROUBLES}
    for reading in readings:
        used: dict[str, list[ToolStep]] = {}
        for step in reading.tools:
            used.setdefault(step.name, []).append(step)
        for name, steps in used.items():
            for kind, bad in (("tool", erring), ("empty", empty)):
                wrong = [bad(step) for step in steps]
                found[kind][name].append(Seen(reading.id, reading.at_ns, wrong[0] or 2 * sum(wrong) > len(wrong)))
        for name, seconds in paces(reading) if limits else ():
            if limits and name in limits:
                found["slow"][name].append(Seen(reading.id, reading.at_ns, seconds > limits[name]))
    return {kind: dict(by_tool) for kind, by_tool in found.items()}


def slow_limits(readings: Iterable[Reading]) -> dict[str, float]:
    """Seconds per call beyond which a tool is slow, for each tool whose usual time is known."""
    known: defaultdict[str, list[float]] = defaultdict(list)
    for reading in readings:
        for name, seconds in paces(reading):
            known[name].append(seconds)
    return {
        name: max(SLOW_AT_LEAST, SLOW * quantile(found, 0.5))
        for name, found in known.items()
        if len(found) >= FEWEST_TIMES
    }


def paces(reading: Reading) -> Iterator[tuple[str, float]]:
    """Each tool of the task with its mean seconds per call."""
    calls_of = Counter(step.name for step in reading.tools)
    for step, seconds in reading.spent:
        name = step.removeprefix(OF_TOOL)
        if name != step and name in calls_of:
            yield name, seconds / calls_of[name]


def worst_tools(scope: Scope) -> tuple[Signal, ...]:
    """The tools whose trouble grew most, the worst first, named "tool:<name>", "empty:<name>" or "slow:<name>"."""
    limits = slow_limits(scope.before)
    now, before = per_tool(scope.now, limits), per_tool(scope.before, limits)
    found = [
        share(
            scope,
            f"{trouble}:{name}",
            f"tasks saw {name} {verb}",
            seen,
            before[trouble].get(name, []),
            fresh_seconds=scope.span_age,
        )
        for trouble, verb in TROUBLES.items()
        for name, seen in sorted(now[trouble].items())
        if any(one.bad for one in seen)
    ]
    found.sort(key=growth, reverse=True)
    return tuple(found[:WORST_TOOLS])


def concentration(scope: Scope) -> Signal:
    """The share of failing calls that fall on the two worst tools, of all failing calls of models and tools."""
    k, n, worst, traces = _top_two(scope.now)
    k0, n0, _, _ = _top_two(scope.before)
    difference = newcombe(k, n, k0, n0) if n and n0 else None
    return Signal(
        name="failing_top2",
        label="failing calls fall on the two worst tools",
        unit=Unit.SHARE,
        value=k / n if n else None,
        baseline=k0 / n0 if n0 else None,
        n=n,
        baseline_n=n0,
        window=scope.window,
        direction=direction(difference, n, n0, RELEVANT_SHARE),
        k=k,
        baseline_k=k0,
        interval=wilson(k, n) if n else None,
        difference=difference,
        fresh_seconds=scope.span_age,
        trace_ids=traces,
        note=", ".join(worst),
    )


def _top_two(readings: Sequence[Reading]) -> tuple[int, int, tuple[str, ...], tuple[str, ...]]:
    """Failing calls on the two worst tools, all failing calls, those tools, and traces that show them."""
    failing = [(step, reading.id) for reading in readings for step in reading.tools if step.error or step.empty]
    of_models = sum(reading.model_errors for reading in readings)
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
