"""Tools: errors and empty answers, and how far they concentrate in one or two of them."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from bot.incident.evidence import Signal, Unit
from bot.incident.reading import Reading, ToolStep
from bot.incident.signals.measure import RELEVANT_SHARE, Seen, direction, growth, share
from bot.incident.signals.scope import Scope
from bot.incident.statistics import newcombe, wilson

WORST_TOOLS = 3


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


def per_tool(readings: Iterable[Reading]) -> dict[str, dict[str, list[Seen]]]:
    """By kind of trouble, observations of each tool, one per task that used it: was any call to it bad?"""
    failing: defaultdict[str, list[Seen]] = defaultdict(list)
    silent: defaultdict[str, list[Seen]] = defaultdict(list)
    for reading in readings:
        used: dict[str, tuple[bool, bool]] = {}
        for step in reading.tools:
            erred, mute = used.get(step.name, (False, False))
            used[step.name] = erred or step.error, mute or step.empty
        for name, (erred, mute) in used.items():
            failing[name].append(Seen(reading.id, reading.at_ns, erred))
            silent[name].append(Seen(reading.id, reading.at_ns, mute))
    return {"tool": failing, "empty": silent}


def worst_tools(scope: Scope) -> tuple[Signal, ...]:
    """The tools whose trouble grew most, the worst first, named "tool:<name>" or "empty:<name>"."""
    now, before = per_tool(scope.now), per_tool(scope.before)
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


TROUBLES = {"tool": "fail", "empty": "answer nothing"}
