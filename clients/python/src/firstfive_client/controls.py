"""What an agent has to obey, as values: rules with a scope, and their composition. Safest wins.

The same rule as the server's: booleans are joined by "or", limits by the minimum, tools by the
union, the guardrail level by the maximum, hand-off by the widest. A rule binds a call unless both
name a different value for one of environment, tenant, channel and version.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

T = TypeVar("T")


class Kind(StrEnum):
    """The controls, by the names that the command line and the timeline use."""

    HALT = "halt"
    DRAIN = "drain"
    QUEUE_PAUSE = "queue-pause"
    READ_ONLY = "read-only"
    EGRESS_CUT = "egress-cut"
    TURN_LIMIT = "turn-limit"
    STEP_CAP = "step-cap"
    COST_CAP = "cost-cap"
    RATE_CAP = "rate-cap"
    DISABLE_TOOLS = "disable-tools"
    GUARDRAIL_LEVEL = "guardrail-level"
    HANDOFF = "handoff"
    MODEL_PIN = "model-pin"
    PROMPT_PIN = "prompt-pin"
    CANARY_SHARE = "canary-share"


HANDOFF_WIDTH = ("off", "new", "all")


@dataclass(frozen=True, slots=True)
class Scope:
    """Which calls: an empty field means all of them on a rule, and unsaid on a call."""

    environment: str = ""
    tenant: str = ""
    channel: str = ""
    version: str = ""

    def meets(self, other: "Scope") -> bool:
        """Neither names a value that the other contradicts."""
        return (
            (not self.tenant or not other.tenant or self.tenant == other.tenant)
            and (not self.channel or not other.channel or self.channel == other.channel)
            and (not self.version or not other.version or self.version == other.version)
            and (not self.environment or not other.environment or self.environment == other.environment)
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """One live mitigation. ``value`` is true for switches, else the limit, level, name or tools it asks for."""

    id: str
    incident: str
    kind: Kind
    value: Any
    scope: Scope = Scope()
    expires_at: str = ""


@dataclass(frozen=True, slots=True)
class Controls:
    """What one call has to obey. None, "" or an empty set where nothing is in force.

    ``because`` names the rule that decided each kind.
    """

    revision: int = 0
    halt: bool = False
    drain: bool = False
    queue_paused: bool = False
    read_only: bool = False
    egress_cut: bool = False
    max_turns: int | None = None
    max_steps: int | None = None
    max_cost_usd: float | None = None
    rate_cap_rpm: int | None = None
    disabled_tools: frozenset[str] = frozenset()
    guardrail_level: int = 0
    handoff: str = "off"
    model: str = ""
    prompt_version: str = ""
    canary_percent: int | None = None
    because: Mapping[Kind, Rule] = field(default_factory=dict)


def compose(rules: Iterable[Rule], scope: Scope, revision: int = 0) -> Controls:
    """Fold the rules that bind ``scope`` into what a call there has to obey."""
    by_kind: dict[Kind, list[Rule]] = {}
    for rule in rules:
        if rule.scope.meets(scope):
            by_kind.setdefault(rule.kind, []).append(rule)
    because: dict[Kind, Rule] = {}

    def decided(kind: Kind, choose: Callable[[list[Rule]], Rule]) -> Any:
        bound = by_kind.get(kind)
        if not bound:
            return None
        because[kind] = choose(bound)
        return because[kind].value

    tools = [rule.value for rule in by_kind.get(Kind.DISABLE_TOOLS, ())]
    decided(Kind.DISABLE_TOOLS, _last)
    return Controls(
        revision=revision,
        halt=bool(decided(Kind.HALT, _last)),
        drain=bool(decided(Kind.DRAIN, _last)),
        queue_paused=bool(decided(Kind.QUEUE_PAUSE, _last)),
        read_only=bool(decided(Kind.READ_ONLY, _last)),
        egress_cut=bool(decided(Kind.EGRESS_CUT, _last)),
        max_turns=decided(Kind.TURN_LIMIT, _least),
        max_steps=decided(Kind.STEP_CAP, _least),
        max_cost_usd=decided(Kind.COST_CAP, _least),
        rate_cap_rpm=decided(Kind.RATE_CAP, _least),
        disabled_tools=frozenset[str]().union(*tools),
        guardrail_level=decided(Kind.GUARDRAIL_LEVEL, _most) or 0,
        handoff=decided(Kind.HANDOFF, _widest) or "off",
        model=decided(Kind.MODEL_PIN, _last) or "",
        prompt_version=decided(Kind.PROMPT_PIN, _last) or "",
        canary_percent=decided(Kind.CANARY_SHARE, _least),
        because=because,
    )


def _last(rules: list[Rule]) -> Rule:
    return rules[-1]


def _least(rules: list[Rule]) -> Rule:
    return min(rules, key=lambda rule: rule.value)


def _most(rules: list[Rule]) -> Rule:
    return max(rules, key=lambda rule: rule.value)


def _widest(rules: list[Rule]) -> Rule:
    return max(rules, key=lambda rule: HANDOFF_WIDTH.index(rule.value))
