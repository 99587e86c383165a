"""The three axes of an incident, and what each class means for the people who respond.

Class is the symptom that telemetry shows in five minutes. Suspected cause is a hypothesis
and unlocks remediation. Severity is impact; a class only sets its floor.
"""

from dataclasses import dataclass
from enum import StrEnum


class IncidentClass(StrEnum):
    """The nine operational classes."""

    SECU = "SECU"
    ACTN = "ACTN"
    BEHV = "BEHV"
    HARD = "HARD"
    PROV = "PROV"
    TOOL = "TOOL"
    LOOP = "LOOP"
    QUAL = "QUAL"
    UNKN = "UNKN"


class Cause(StrEnum):
    """The suspected cause: a hypothesis that unlocks remediation."""

    OUR_PROMPT = "our-prompt"
    OUR_CODE_OR_CONFIG = "our-code-or-config"
    MODEL_OR_PROVIDER = "model-or-provider"
    TOOL_OR_API = "tool-or-API"
    DATA_OR_INDEX_OR_MEMORY = "data-or-index-or-memory"
    TRAFFIC_MIX = "traffic-mix"
    ADVERSARY = "adversary"
    UNKNOWN = "unknown"


class Severity(StrEnum):
    """Impact, worst first."""

    SEV1 = "SEV1"
    SEV2 = "SEV2"
    SEV3 = "SEV3"
    SEV4 = "SEV4"

    @property
    def rank(self) -> int:
        """1 for the worst, 4 for a near miss."""
        return int(self.value[-1])

    def at_least(self, floor: "Severity") -> "Severity":
        """The worse of the two."""
        return self if self.rank <= floor.rank else floor

    def raised(self) -> "Severity":
        """One level worse, SEV1 at most."""
        return Severity(f"SEV{max(1, self.rank - 1)}")


class Confidence(StrEnum):
    """How far telemetry carries a classification."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class ClassFacts:
    """What responders need to know about a class before they act."""

    name: str
    meaning: str
    first_mitigation: str
    do_not: tuple[str, ...]
    floor: Severity


CLASSES: dict[IncidentClass, ClassFacts] = {
    IncidentClass.SECU: ClassFacts(
        "security breach of the agent",
        "Attacker content, identity or supply chain steers the agent, or data crosses a boundary.",
        "Snapshot memory and index, then cut egress and privileged tools and revoke the agent's credential.",
        (
            "wipe memory or logs before the snapshot",
            "ask the agent to explain itself",
            "only restart it: stored memory infects it again",
            "discuss details in a public channel",
        ),
        Severity.SEV2,
    ),
    IncidentClass.ACTN: ClassFacts(
        "wrong or unapproved action",
        "The agent made an unapproved, out-of-policy or irreversible change, or claims one that no tool call shows.",
        "Turn write tools off and pause the queue; let running tasks drain.",
        (
            "kill it in the middle of a transaction",
            "retry or resume the tasks",
            "ask the agent to undo its work",
            "roll the prompt back before the actions are listed",
        ),
        Severity.SEV2,
    ),
    IncidentClass.BEHV: ClassFacts(
        "behaviour against policy",
        "Content or persona breaks policy while tasks still run.",
        "Limit turns, tighten the filter or hand over to people; disable only the generative part.",
        (
            "change temperature or model live",
            "loosen the guardrail",
            "wait for the root cause",
        ),
        Severity.SEV2,
    ),
    IncidentClass.HARD: ClassFacts(
        "hard failure of our own",
        "Tasks reach no terminal state for our own reason, while models and tools look healthy or silent.",
        "Fail over, restart, or roll back the last deploy when the change is known and the target is known good.",
        ("edit prompts", "lower the evaluation bar", "delete the queue"),
        Severity.SEV2,
    ),
    IncidentClass.PROV: ClassFacts(
        "model provider trouble",
        "The provider errors, throttles, slows down or silently serves another model.",
        "Fail over to a pinned model that passed the evaluations, shed load, queue.",
        (
            "retry without a bound",
            "fail over to an untested model",
            "roll back your own release",
        ),
        Severity.SEV3,
    ),
    IncidentClass.TOOL: ClassFacts(
        "tool or index failure",
        "A tool or index fails, changes its schema, or returns stale or empty data.",
        "Disable or degrade that one tool, open its circuit breaker, tell users.",
        ("kill the whole agent", "add retries", "let the agent improvise"),
        Severity.SEV3,
    ),
    IncidentClass.LOOP: ClassFacts(
        "loop without progress",
        "The agent repeats or grows without progress, and no failing tool explains it.",
        "Cap steps or budget per task, cancel the looping tasks, limit turns.",
        (
            "kill the whole agent",
            "cap below the 95th percentile of passing tasks",
            "kill automatically on a repeated tool name",
            "restart without clearing the queue",
        ),
        Severity.SEV3,
    ),
    IncidentClass.QUAL: ClassFacts(
        "silent quality degradation",
        "Technically green, answers wrong.",
        "Cut exposure: human review, canary share, disable the task type, label answers, pin the model.",
        (
            "roll back before the cause is known and the target is evaluated again",
            "use the kill switch for a few points",
            "call it recovered after one pass",
            "edit evaluations or the judge now",
        ),
        Severity.SEV3,
    ),
    IncidentClass.UNKN: ClassFacts(
        "not classified yet",
        "No branch of the tree said yes, or telemetry is stale.",
        "Give 20 stratified traces to two people, halve exposure, ask again in 10 minutes.",
        ("start any remediation",),
        Severity.SEV3,
    ),
}
