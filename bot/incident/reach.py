"""What a control would touch, and whom else: tasks of the last hours, what runs now, other agents with the same parts.

Pure: readings of tasks come in, figures with their interval go out.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from bot.incident.evidence import Interval
from bot.incident.kinds import MitigationKind, Value
from bot.incident.model_names import same_model
from bot.incident.quantities import percent, percents
from bot.incident.reading import Reading
from bot.incident.statistics import wilson

RUNNING_NS = 15 * 60 * 1_000_000_000  # a task without an end that began longer ago is taken for lost, not for running
MINUTE_NS = 60 * 1_000_000_000


@dataclass(frozen=True, slots=True)
class Among:
    """``k`` of the ``n`` sessions, users or tenants (``what``) that telemetry names have a task that would have been touched."""

    what: str
    k: int
    n: int


@dataclass(frozen=True, slots=True)
class Reach:
    """``k`` of ``n`` tasks of the last ``hours`` would have been touched; ``low`` and ``high`` are the 95 % interval.

    ``k`` is None where telemetry cannot tell; ``unsaid`` tasks did not show it and are not in ``n``.
    """

    hours: int
    k: int | None
    n: int
    low: float = 0.0
    high: float = 1.0
    unsaid: int = 0
    expected: bool = False  # computed from the share, not counted
    cut: bool = False  # there were more tasks; these are the newest
    among: tuple[Among, ...] = ()

    def in_words(self, control: str) -> str:
        """``turn limit 5 would have touched 7.3 % of 412 tasks in the last hour (30; 95 % CI 5.1-10 %)``."""
        when = "hour" if self.hours == 1 else f"{self.hours} h"
        if not self.n:
            return f"no task in the last {when} to tell from"
        newest = "the newest " if self.cut else ""
        if self.k is None:
            return f"{newest}{self.n} tasks in the last {when}; telemetry does not show which of them {control} would touch"
        verb = "would be kept from" if self.expected else "would have touched"
        figure = f"{percent(self.k / self.n)} of {newest}{self.n} tasks"
        doubt = f"95 % CI {percents(Interval(self.low, self.high))}"
        rest = f"; {self.unsaid} more do not show it" if self.unsaid else ""
        whom = "".join(f", {one.k} of {one.n} {one.what}" for one in self.among)
        if self.expected:
            return f"about {figure} of the last {when} {verb} the agent by {control} ({self.k})"
        return f"{control} {verb} {figure} in the last {when} ({self.k}; {doubt}{rest}){whom}"


@dataclass(frozen=True, slots=True)
class Sharing:
    """Another agent that uses the same model, tools or prompt."""

    agent: str
    models: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()

    @property
    def in_words(self) -> str:
        """``field-agent (model gpt-x; tools search_kb)``."""
        parts = [
            f"{word} {', '.join(names)}"
            for word, names in (("model", self.models), ("tools", self.tools), ("prompt", self.prompts))
            if names
        ]
        return f"{self.agent} ({'; '.join(parts)})"


def running(tasks: Sequence[Reading], now_ns: int) -> tuple[Reading, ...]:
    """Tasks that have begun within 15 minutes and have no end yet."""
    return tuple(task for task in tasks if not task.finished and 0 <= now_ns - task.at_ns < RUNNING_NS)


def sessions_of(tasks: Sequence[Reading]) -> int | None:
    """How many sessions these tasks belong to; None where telemetry names none."""
    named = {task.session for task in tasks if task.session}
    return len(named) if named else None


def touched_ids(kind: MitigationKind, value: Value, tasks: Sequence[Reading]) -> tuple[frozenset[str], int] | None:
    """The ids of the tasks the control would have touched, and how many do not show it; None where none can."""
    if kind is MitigationKind.RATE_CAP:
        return _over_rate(value if isinstance(value, int) else 0, tasks), 0
    verdicts = [(task.id, touches(kind, value, task)) for task in tasks]
    unsaid = sum(verdict is None for _, verdict in verdicts)
    if tasks and unsaid == len(tasks):
        return None
    return frozenset(task_id for task_id, verdict in verdicts if verdict), unsaid


def touches(kind: MitigationKind, value: Value, task: Reading) -> bool | None:
    """Whether the control would have touched this task; None where telemetry does not show it."""
    number = value if isinstance(value, int | float) else 0
    match kind:
        case MitigationKind.HALT | MitigationKind.DRAIN | MitigationKind.QUEUE_PAUSE | MitigationKind.HANDOFF:
            return True
        case MitigationKind.READ_ONLY:
            return task.use.writes > 0
        case MitigationKind.EGRESS_CUT:
            return bool(task.destinations)
        case MitigationKind.TURN_LIMIT:
            return len(task.models) > number
        case MitigationKind.STEP_CAP:
            return len(task.tools) > number
        case MitigationKind.COST_CAP:
            return None if task.cost is None else task.cost > number
        case MitigationKind.DISABLE_TOOLS:
            return any(step.name in value for step in task.tools) if isinstance(value, tuple) else None
        case MitigationKind.MODEL_PIN:
            names = {name for step in task.models if (name := step.answering or step.requested)}
            return any(not same_model(name, str(value)) for name in names) if names else None
        case MitigationKind.PROMPT_PIN:
            return None if task.prompt_version is None else task.prompt_version != value
        case MitigationKind.GUARDRAIL_LEVEL | MitigationKind.CANARY_SHARE | MitigationKind.RATE_CAP:
            return None


def reach(kind: MitigationKind, value: Value, tasks: Sequence[Reading], hours: int, *, cut: bool = False) -> Reach:
    """How many of these tasks of the last ``hours`` the control would have touched; ``cut``: they are only the newest."""
    n = len(tasks)
    if kind is MitigationKind.CANARY_SHARE and isinstance(value, int):
        return Reach(hours, round(n * (100 - value) / 100), n, expected=True, cut=cut)
    found = touched_ids(kind, value, tasks)
    if found is None or not n:
        return Reach(hours, None, n, cut=cut)
    ids, unsaid = found
    interval = wilson(len(ids), n - unsaid)
    return Reach(
        hours, len(ids), n - unsaid, interval.low, interval.high, unsaid, cut=cut, among=_among(kind, value, ids, tasks)
    )


def _among(kind: MitigationKind, value: Value, ids: frozenset[str], tasks: Sequence[Reading]) -> tuple[Among, ...]:
    """The people behind the tasks that show it, where telemetry names them."""
    known = [task for task in tasks if kind is MitigationKind.RATE_CAP or touches(kind, value, task) is not None]
    found = []
    for what, name_of in _PEOPLE.items():
        named = {name for task in known if (name := name_of(task))}
        hit = {name for task in known if task.id in ids and (name := name_of(task))}
        if named:
            found.append(Among(what, len(hit), len(named)))
    return tuple(found)


_PEOPLE: Mapping[str, Callable[[Reading], str | None]] = {
    "sessions": lambda task: task.session,
    "users": lambda task: task.user,
    "tenants": lambda task: task.tenant,
}


def sharing(own: Sequence[Reading], others: Mapping[str, Sequence[Reading]]) -> tuple[Sharing, ...]:
    """Other agents whose recent tasks use a model, tool or prompt that this agent's do."""
    models, tools, prompts = _used(own)
    found = []
    for agent, tasks in sorted(others.items()):
        theirs = _used(tasks)
        one = Sharing(
            agent,
            tuple(sorted(models & theirs[0])),
            tuple(sorted(tools & theirs[1])),
            tuple(sorted(prompts & theirs[2])),
        )
        if one.models or one.tools or one.prompts:
            found.append(one)
    return tuple(found)


def _used(tasks: Sequence[Reading]) -> tuple[frozenset[str], frozenset[str], frozenset[str]]:
    models = frozenset(name for t in tasks for step in t.models if (name := step.answering or step.requested))
    tools = frozenset(step.name for t in tasks for step in t.tools)
    return models, tools, frozenset(t.prompt_version for t in tasks if t.prompt_version)


def _over_rate(most: int, tasks: Sequence[Reading]) -> frozenset[str]:
    """Tasks that came when their minute was full already."""
    seen: Counter[int] = Counter()
    over = set()
    for task in sorted(tasks, key=lambda task: task.at_ns):
        minute = task.at_ns // MINUTE_NS
        seen[minute] += 1
        if seen[minute] > most:
            over.add(task.id)
    return frozenset(over)
