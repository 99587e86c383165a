"""What a responder can choose from when pulling a lever: names that telemetry has seen, and figures that make sense."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from bot.incident.control_values import label_of
from bot.incident.kinds import HANDOFFS, LEVERS, Joining, MitigationKind, Value
from bot.incident.mitigation import Scope
from bot.incident.model import Agent
from bot.incident.obedience import CHANNEL_KEYS, TENANT_KEYS
from bot.incident.reading import Reading
from bot.incident.telemetry import Trace

MOST_NAMES: Final = 40
MOST_SCOPES: Final = 60
MOST_OF_ONE: Final = 15  # values of one dimension of scope
FIGURES: Final[dict[MitigationKind, tuple[float, ...]]] = {
    MitigationKind.TURN_LIMIT: (2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 50),
    MitigationKind.STEP_CAP: (2, 3, 5, 8, 10, 15, 20, 30, 50, 100),
    MitigationKind.COST_CAP: (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 50.0),
    MitigationKind.RATE_CAP: (1, 2, 5, 10, 20, 30, 60, 120, 300, 600),
    MitigationKind.GUARDRAIL_LEVEL: (1, 2, 3),
    MitigationKind.CANARY_SHARE: (0, 1, 5, 10, 25, 50, 75),
}
UNITS: Final[dict[MitigationKind, str]] = {
    MitigationKind.TURN_LIMIT: "model turns a task",
    MitigationKind.STEP_CAP: "tool calls a task",
    MitigationKind.COST_CAP: "US dollars a task",
    MitigationKind.RATE_CAP: "tasks a minute",
    MitigationKind.GUARDRAIL_LEVEL: "level (3 checks most)",
    MitigationKind.CANARY_SHARE: "percent of the traffic",
    MitigationKind.DISABLE_TOOLS: "tools to switch off",
    MitigationKind.HANDOFF: "tasks that people take over",
    MitigationKind.MODEL_PIN: "model to pin",
    MitigationKind.PROMPT_PIN: "version of the prompt to pin",
}
"""What the value of each kind counts or names."""


@dataclass(frozen=True, slots=True)
class Choices:
    """Names seen for one agent, the most used first; ``scopes`` name one dimension each."""

    tools: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    prompts: tuple[str, ...] = ()
    scopes: tuple[Scope, ...] = ()

    def values(self, kind: MitigationKind, suggested: Value | None = None) -> tuple[Value, ...]:
        """What can be chosen for that kind, the suggested one among it; empty for a switch."""
        found: Iterable[Value]
        lever = LEVERS[kind]
        if lever.is_switch:
            return ()
        if lever.is_number:
            figures = {*FIGURES[kind], *([suggested] if isinstance(suggested, int | float) else [])}
            return tuple(int(one) if lever.is_whole else one for one in sorted(figures))
        if kind is MitigationKind.HANDOFF:
            return HANDOFFS[1:]
        if kind is MitigationKind.DISABLE_TOOLS:
            return self.tools
        found = self.models if kind is MitigationKind.MODEL_PIN else self.prompts
        return tuple(dict.fromkeys([*([suggested] if isinstance(suggested, str) else []), *found]))


def choices(agent: Agent, tasks: Sequence[Reading], newest: Sequence[Trace]) -> Choices:
    """The names in these tasks and in the catalogue entry. ``newest`` are whole traces, for tenants and channels."""
    tools = Counter(step.name for task in tasks for step in task.tools)
    named = [*_most(tools.elements()), *(tool.name for tool in agent.tools)]
    return Choices(
        tools=tuple(dict.fromkeys(named))[:MOST_NAMES],
        models=_most(name for t in tasks for step in t.models for name in (step.answering, step.requested) if name),
        prompts=_most(task.prompt_version for task in tasks if task.prompt_version),
        scopes=_scopes(agent, newest),
    )


def _most(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name, _ in Counter(names).most_common(MOST_NAMES))


def _scopes(agent: Agent, newest: Sequence[Trace]) -> tuple[Scope, ...]:
    environments = dict.fromkeys([*agent.environments, *_most(t.environment for t in newest if t.environment)])
    found = [
        *(Scope(environment=name) for name in list(environments)[:MOST_OF_ONE]),
        *(Scope(version=name) for name in _most(t.agent_version for t in newest if t.agent_version)[:MOST_OF_ONE]),
        *(Scope(tenant=name) for name in _attributes(newest, TENANT_KEYS)),
        *(Scope(channel=name) for name in _attributes(newest, CHANNEL_KEYS)),
    ]
    return tuple(found[:MOST_SCOPES])


def _attributes(newest: Sequence[Trace], keys: tuple[str, ...]) -> tuple[str, ...]:
    said = (trace.spans[0].attributes.get(key) for trace in newest if trace.spans for key in keys)
    return _most(value for value in said if isinstance(value, str) and value)[:MOST_OF_ONE]


def way_out(kind: MitigationKind, value: Value) -> tuple[Value, ...]:
    """Looser values to go through before it is lifted, like 8, 15 after 5; empty where none lies between."""
    if LEVERS[kind].joining is Joining.LEAST and isinstance(value, int | float) and kind in FIGURES:
        looser = [one for one in FIGURES[kind] if one >= value * 1.5 and one > value]
        steps = [looser[0], *[one for one in looser if one >= looser[0] * 1.6][:1]] if looser else []
        return tuple(int(one) if LEVERS[kind].is_whole else one for one in steps)
    if kind is MitigationKind.GUARDRAIL_LEVEL and isinstance(value, int):
        return tuple(range(value - 1, 0, -1))
    return ("new",) if value == "all" else ()


def full_label(kind: MitigationKind, value: Value | None, scope: Scope) -> str:
    """A lever with value and scope: ``Turn limit 5 (environment staging)``."""
    name = kind.label if value is None else label_of(kind, value)
    return f"{name} ({scope.in_words})" if scope.in_words else name
