"""One task against one control: did it obey? None where its telemetry cannot show it."""

from bot.incident.control_values import figure_of
from bot.incident.environments import as_wanted
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, Scope
from bot.incident.model_names import same_model
from bot.incident.reading import Reading
from bot.incident.telemetry import SideEffect, Span, Trace

HANDED_OFF = frozenset({"escalated", "handed_off", "handoff", "human"})
TENANT_KEYS = ("tenant", "tenant.id", "tenant_id")
CHANNEL_KEYS = ("channel", "channel.id")

_WHAT = {
    MitigationKind.HALT: "no model call and no tool call",
    MitigationKind.DRAIN: "no new task does anything",
    MitigationKind.QUEUE_PAUSE: "no task is taken from the queue",
    MitigationKind.READ_ONLY: "no successful write",
    MitigationKind.EGRESS_CUT: "nothing sent to an outside destination",
    MitigationKind.TURN_LIMIT: "at most {} model turns a task",
    MitigationKind.STEP_CAP: "at most {} tool calls a task",
    MitigationKind.COST_CAP: "no further model call once a task has cost ${}",
    MitigationKind.RATE_CAP: "at most {} tasks start in a minute",
    MitigationKind.DISABLE_TOOLS: "no call of {}",
    MitigationKind.GUARDRAIL_LEVEL: "guardrails at level {}",
    MitigationKind.HANDOFF: "{} tasks are handed to people",
    MitigationKind.MODEL_PIN: "every answer is by {}",
    MitigationKind.PROMPT_PIN: "every task uses prompt {}",
    MitigationKind.CANARY_SHARE: "at most {} % of the tasks there were before",
}

UNSEEN = {
    MitigationKind.GUARDRAIL_LEVEL: "telemetry does not show at which level guardrails check",
    MitigationKind.COST_CAP: "telemetry does not show what tasks cost",
    MitigationKind.MODEL_PIN: "telemetry does not show which model answers",
    MitigationKind.PROMPT_PIN: "telemetry does not show the version of the prompt",
    MitigationKind.HANDOFF: "telemetry does not show how tasks end",
}
"""What has to be said where no task shows it either way."""


def describe(mitigation: Mitigation) -> str:
    """What obeying means, in words."""
    return _WHAT[mitigation.kind].format(figure_of(mitigation.value))


def obeys(mitigation: Mitigation, trace: Trace) -> bool | None:
    """Whether one task kept to the control; None where it does not show, or where only many tasks together do."""
    value = mitigation.value
    match mitigation.kind:
        case MitigationKind.HALT | MitigationKind.DRAIN | MitigationKind.QUEUE_PAUSE:
            return not trace.model_spans and not _calls(trace)
        case MitigationKind.READ_ONLY:
            return not any(_wrote(span) for span in _calls(trace))
        case MitigationKind.EGRESS_CUT:
            return not any(span.tool and span.tool.destination and not span.error for span in _calls(trace))
        case MitigationKind.TURN_LIMIT:
            return isinstance(value, int) and len(trace.model_spans) <= value
        case MitigationKind.STEP_CAP:
            return isinstance(value, int) and len(_calls(trace)) <= value
        case MitigationKind.COST_CAP:
            return _within_cost(trace, float(value) if isinstance(value, int | float) else 0.0)
        case MitigationKind.DISABLE_TOOLS:
            off = value if isinstance(value, tuple) else ()
            return not any(span.tool and span.tool.name in off for span in _calls(trace))
        case MitigationKind.HANDOFF:
            return _handed_off(trace, str(value))
        case MitigationKind.MODEL_PIN:
            return _answered_by(trace, str(value))
        case MitigationKind.PROMPT_PIN:
            versions = {trace.prompt_version, *(span.model.prompt_version for span in trace.model_spans if span.model)}
            known = versions - {None}
            return None if not known else known == {str(value)}
        case MitigationKind.GUARDRAIL_LEVEL | MitigationKind.RATE_CAP | MitigationKind.CANARY_SHARE:
            return None


def within(scope: Scope, trace: Trace) -> bool | None:
    """Whether the scope binds this task; None where telemetry does not say the tenant or channel that decides it."""
    told = Scope(
        as_wanted(trace.environment, scope.environment),
        _attribute(trace, TENANT_KEYS),
        _attribute(trace, CHANNEL_KEYS),
        trace.agent_version or "",
    )
    if not scope.meets(told):
        return False
    unsaid = (scope.tenant and not told.tenant) or (scope.channel and not told.channel)
    unsaid = unsaid or (scope.version and not told.version)
    return None if unsaid else True


def may_bind(scope: Scope, task: Reading) -> bool:
    """Nothing that the task says of itself speaks against it; readings do not tell the channel."""
    place = as_wanted(task.environment, scope.environment)
    return scope.meets(Scope(place, task.tenant or "", "", task.agent_version or ""))


def _calls(trace: Trace) -> tuple[Span, ...]:
    """Tool calls that happened; one that a model asked for and nobody recorded is none."""
    return tuple(span for span in trace.tool_spans if not span.inferred)


def _wrote(span: Span) -> bool:
    return span.tool is not None and span.tool.side_effect is SideEffect.WRITE and not span.error


def _within_cost(trace: Trace, most: float) -> bool | None:
    """No model call began after the task had cost that much; the call that goes over is allowed."""
    costs = [span.model.cost for span in trace.model_spans if span.model and span.model.cost is not None]
    return None if not costs else sum(costs[:-1]) < most or sum(costs) <= most


def _handed_off(trace: Trace, width: str) -> bool | None:
    del width  # tasks that started since are new ones, which "new" and "all" both reach
    outcome = trace.task.outcome
    return None if outcome is None else outcome in HANDED_OFF


def _answered_by(trace: Trace, wanted: str) -> bool | None:
    calls = [span.model for span in trace.model_spans if span.model]
    names = [model.answering or model.requested for model in calls]
    known = [name for name in names if name]
    if not known:
        return None
    return all(same_model(name, wanted) for name in known)


def _attribute(trace: Trace, keys: tuple[str, ...]) -> str:
    for span in trace.spans[:1]:
        for key in keys:
            said = span.attributes.get(key)
            if isinstance(said, str) and said:
                return said
    return ""
