"""What an agent has to obey: the live mitigations folded into one set of controls, the safest value first.

Nothing is ever restored: undoing one mitigation composes what the others ask for.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.incident.control_values import in_words, joined
from bot.incident.kinds import HANDOFFS, LEVERS, MitigationKind, Value
from bot.incident.mitigation import Mitigation, Scope
from bot.incident.model import IncidentKey


@dataclass(frozen=True, slots=True)
class Rule:
    """One live mitigation, as a client needs it to compose for the scope of a single call."""

    id: str
    incident: IncidentKey
    kind: MitigationKind
    value: Value
    scope: Scope
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Controls:
    """What one agent has to obey right now, in one atomic read. None is a limit that is not in force.

    ``revision`` grows with every change of any mitigation of the agent. ``mitigations`` and
    ``incidents`` name who is behind it, ``rules`` hold the mitigations one by one; ``expires_at`` is
    the earliest end.
    """

    agent: str
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
    disabled_tools: tuple[str, ...] = ()
    guardrail_level: int = 0
    handoff: str = HANDOFFS[0]
    model: str = ""
    prompt_version: str = ""
    canary_percent: int | None = None
    mitigations: tuple[str, ...] = ()
    incidents: tuple[IncidentKey, ...] = ()
    expires_at: datetime | None = None
    rules: tuple[Rule, ...] = ()

    def value(self, kind: MitigationKind) -> Value | None:
        """What is in force of that kind; None when nothing is."""
        return self.read(kind) if any(rule.kind is kind for rule in self.rules) else None

    def read(self, kind: MitigationKind) -> Value:
        """What an agent reads of that kind: the value in force, else the one at rest."""
        value: Value | None = getattr(self, LEVERS[kind].control)
        return LEVERS[kind].at_rest if value is None else value

    @property
    def in_words(self) -> str:
        """In words for the timeline: ``halted, turn limit 5``, or ``no control``."""
        said = [in_words(kind, value) for kind in LEVERS if (value := self.value(kind)) is not None]
        return ", ".join(said) or "no control"


def compose(agent: str, scope: Scope, live: Iterable[Mitigation], revision: int) -> Controls:
    """Fold the live mitigations of an agent into what it must obey in that scope; the safest value wins.

    A mitigation binds unless it and ``scope`` name different values of the same dimension, so a
    context that leaves something unsaid is bound by everything. Where no value is safer (two pins
    that meet only in such a context) the newest wins.
    """
    binding = sorted(
        (m for m in live if m.agent == agent and m.state.is_live and m.scope.meets(scope)),
        key=lambda m: (m.applied_at, m.id),
    )
    values: dict[str, Any] = {}
    for kind, lever in LEVERS.items():
        value = joined(kind, [m.value for m in binding if m.kind is kind])
        if value is not None:
            values[lever.control] = value
    return Controls(
        agent=agent,
        revision=revision,
        mitigations=tuple(m.id for m in binding),
        incidents=tuple(dict.fromkeys(m.incident for m in binding)),
        expires_at=min((m.expires_at for m in binding), default=None),
        rules=tuple(Rule(m.id, m.incident, m.kind, m.value, m.scope, m.expires_at) for m in binding),
        **values,
    )
