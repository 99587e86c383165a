"""Which value to offer for each kind of control, learned from the agent's own tasks, and where it comes from."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

from bot.incident.control_values import figure_of
from bot.incident.evidence import Unit
from bot.incident.kinds import MitigationKind, Value
from bot.incident.model_names import same_model
from bot.incident.quantities import quantity
from bot.incident.reading import Reading
from bot.incident.statistics import quantile

MIN_PASSING = 20  # passing tasks needed before their 95th percentile sets a limit
CAUTIOUS_LIMIT = 8  # turns, where there is no history to learn from
CAUTIOUS_STEPS = 15
MIN_LIMIT = 2
COST_MARGIN = 1.5  # times the 95th percentile
CANARY = 10  # percent
BUSY_MINUTES = 5  # minutes with tasks needed to know the usual rate
BROKEN = 0.2  # of a tool's calls fail or answer nothing: it is worth switching off
MIN_CALLS = 5
MINUTE_NS = 60 * 1_000_000_000

Suggestion = tuple[MitigationKind, Value, str]


def suggestions(baseline: Sequence[Reading], recent: Sequence[Reading]) -> tuple[Suggestion, ...]:
    """Kind, value and the sentence that says where it comes from; a kind without a sensible value is left out.

    ``baseline`` are tasks from before the onset, ``recent`` those of the last hour.
    """
    limit, source = turn_limit_from(baseline)
    found: list[Suggestion] = [(MitigationKind.TURN_LIMIT, limit, source), (MitigationKind.HALT, True, "")]
    found += _learned(baseline)
    found += [(kind, True, "") for kind in _SWITCHES]
    found += [
        (MitigationKind.HANDOFF, "new", ""),
        (MitigationKind.CANARY_SHARE, CANARY, ""),
        (MitigationKind.GUARDRAIL_LEVEL, 2, ""),
    ]
    found += _pins(baseline, recent)
    return tuple(found + list(_broken_tools(recent)))


def too_tight(kind: MitigationKind, value: Value, tasks: Sequence[Reading]) -> str:
    """Why a figure would end tasks that pass by themselves, in one clause; empty where it spares 95 % of them."""
    if kind not in _CAPS or isinstance(value, bool) or not isinstance(value, int | float):
        return ""
    for found, offered, source in suggestions(tasks, ()):
        if found is kind and source.startswith("95 %") and isinstance(offered, int | float):
            most = offered / COST_MARGIN if kind is MitigationKind.COST_CAP else offered - 1  # the 95th percentile
            return f"{source}, so {figure_of(value)} ends tasks that would pass" if value < most else ""
    return ""


_CAPS = frozenset({MitigationKind.TURN_LIMIT, MitigationKind.STEP_CAP, MitigationKind.COST_CAP})
_SWITCHES = (
    MitigationKind.READ_ONLY,
    MitigationKind.EGRESS_CUT,
    MitigationKind.DRAIN,
    MitigationKind.QUEUE_PAUSE,
)


def turns(task: Reading) -> int:
    """Model calls in one task."""
    return len(task.models)


def turn_limit_from(tasks: Sequence[Reading]) -> tuple[int, str]:
    """The smallest turn limit that spares passing tasks, and the sentence that says where it comes from."""
    passing = [turns(task) for task in _passing(tasks) if turns(task)]
    if len(passing) < MIN_PASSING:
        return CAUTIOUS_LIMIT, f"only {len(passing)} passing tasks to learn from, so a cautious {CAUTIOUS_LIMIT}"
    p95 = quantile([float(count) for count in passing], 0.95)
    limit = max(MIN_LIMIT, math.ceil(p95) + 1)
    return limit, f"95 % of {len(passing)} passing tasks need at most {p95:.0f} turns"


def _passing(tasks: Iterable[Reading]) -> list[Reading]:
    return [task for task in tasks if task.finished and not task.failed]


def _learned(baseline: Sequence[Reading]) -> Iterator[Suggestion]:
    passing = _passing(baseline)
    calls = [float(len(task.tools)) for task in passing if task.tools]
    if len(calls) >= MIN_PASSING:
        p95 = quantile(calls, 0.95)
        steps = max(MIN_LIMIT, math.ceil(p95) + 1)
        yield MitigationKind.STEP_CAP, steps, f"95 % of {len(calls)} passing tasks make at most {p95:.0f} tool calls"
    else:
        yield MitigationKind.STEP_CAP, CAUTIOUS_STEPS, "too few passing tasks to learn from, so a cautious figure"
    costs = [task.cost for task in passing if task.cost]
    if len(costs) >= MIN_PASSING:
        p95 = quantile(costs, 0.95)
        cap = max(0.001, round(p95 * COST_MARGIN, 3))
        yield MitigationKind.COST_CAP, cap, f"95 % of {len(costs)} passing tasks cost at most {quantity(p95, Unit.USD)}"
    minutes = Counter(task.at_ns // MINUTE_NS for task in baseline)
    if len(minutes) >= BUSY_MINUTES:
        usual = quantile([float(count) for count in minutes.values()], 0.5)
        rate = max(1, math.ceil(usual / 2))
        yield MitigationKind.RATE_CAP, rate, f"half of the usual {usual:.0f} tasks a minute"


def _pins(baseline: Sequence[Reading], recent: Sequence[Reading]) -> Iterator[Suggestion]:
    """What was used before, where something else is used now."""
    before, now = _most(_models(baseline)), _most(_models(recent))
    if before and now and not same_model(now, before):
        yield MitigationKind.MODEL_PIN, before, f"answered before; now {now} answers"
    old, new = _most(t.prompt_version for t in baseline), _most(t.prompt_version for t in recent)
    if old and new and old != new:
        yield MitigationKind.PROMPT_PIN, old, f"was in use before; now {new} is"


def _broken_tools(recent: Sequence[Reading]) -> Iterator[Suggestion]:
    calls = Counter(step.name for task in recent for step in task.tools)
    bad = Counter(step.name for task in recent for step in task.tools if step.error or step.empty)
    off = tuple(sorted(name for name, k in bad.items() if calls[name] >= MIN_CALLS and k / calls[name] >= BROKEN))
    if off:
        figures = ", ".join(f"{name}: {bad[name]} of {calls[name]} calls" for name in off[:3])
        yield MitigationKind.DISABLE_TOOLS, off, f"failed or empty in the last hour: {figures}"


def _models(tasks: Iterable[Reading]) -> Iterator[str | None]:
    return (step.answering or step.requested for task in tasks for step in task.models)


def _most(names: Iterable[str | None]) -> str | None:
    known = Counter(name for name in names if name)
    return known.most_common(1)[0][0] if known else None
