"""What the postmortem tells of mitigations: their course, how soon each signal came, who agreed, what is left to do.

A signal that no event records is said to be unrecorded; that a control worked is never concluded from silence.
"""

from dataclasses import dataclass, field
from types import UnionType

from bot.incident.control_values import label_of
from bot.incident.facts.approving import ApprovalFact
from bot.incident.facts.classifying import ClassDoubted
from bot.incident.facts.closing import ActionAdded
from bot.incident.facts.control import ControlFact, MitigationAdjusted, MitigationConfirmed
from bot.incident.facts.mitigating import MitigatingFact, MitigationApplied, MitigationProven
from bot.incident.kinds import Value
from bot.incident.mitigation import BUILT_IN, Mitigation, MitigationState
from bot.incident.narration import narrate
from bot.incident.proof import Verdict
from bot.incident.quantities import duration
from bot.incident.remediation import RemediationFact
from bot.incident.state import IncidentState
from bot.incident.statements import Statement, clock
from bot.incident.timeline import Event

COURSE = MitigatingFact | ControlFact | ClassDoubted | RemediationFact


def course(events: tuple[Event, ...], state: IncidentState) -> tuple[Statement, ...]:
    """Everything that happened to mitigations and remediations, one sentence for each event."""
    return _told(events, state, COURSE)


def approvals(events: tuple[Event, ...], state: IncidentState) -> tuple[Statement, ...]:
    """What a second person was asked, what came of it, and where the glass was broken."""
    return _told(events, state, ApprovalFact)


def actions(events: tuple[Event, ...]) -> tuple[Statement, ...]:
    """What is to be done afterwards, as far as the timeline itself asks for it."""
    return tuple(Statement(event.fact.text, (event.id,)) for event in events if isinstance(event.fact, ActionAdded))


def _told(events: tuple[Event, ...], state: IncidentState, kinds: UnionType) -> tuple[Statement, ...]:
    return tuple(
        Statement(f"{clock(event.at)} {event.by.name}: {narrate(event, state)}", (event.id,))
        for event in events
        if isinstance(event.fact, kinds)
    )


@dataclass(slots=True)
class _Round:
    """One value of one mitigation, from the order until another value or its end, with the first event of each signal."""

    label: str
    asked: Event
    audit: str = ""  # where the order stands in the audit
    in_force: Event | None = None  # None while only the order is known
    signals: dict[str, tuple[Event, str]] = field(default_factory=dict)


def times(events: tuple[Event, ...]) -> tuple[Statement, ...]:
    """Of each value of each mitigation: when it was in force, and after how long it was delivered and observed."""
    return tuple(_timed(one) for one in _rounds(events) if one.in_force is not None)


def _rounds(events: tuple[Event, ...]) -> list[_Round]:
    rounds: list[_Round] = []
    open_rounds: dict[str, tuple[Mitigation, _Round]] = {}
    for event in events:
        match event.fact:
            case MitigationApplied(mitigation=m):
                known = event if m.state is MitigationState.APPLIED else None
                open_rounds[m.id] = m, _Round(m.label, event, audited(m), known)
                rounds.append(open_rounds[m.id][1])
            case MitigationAdjusted(mitigation=mid, value=value) if mid in open_rounds:
                m = open_rounds[mid][0]
                open_rounds[mid] = m, _anew(m, value, event)
                rounds.append(open_rounds[mid][1])
            case MitigationConfirmed(mitigation=mid) if mid in open_rounds:
                open_rounds[mid][1].in_force = open_rounds[mid][1].in_force or event
            case MitigationProven(mitigation=mid) if mid in open_rounds:
                _note(open_rounds[mid][1], event)
            case _:
                pass
    return rounds


def _anew(m: Mitigation, value: Value, event: Event) -> _Round:
    return _Round(label_of(m.kind, value), event, in_force=event if m.driver == BUILT_IN else None)


def audited(m: Mitigation) -> str:
    """The entry of the hash-chained audit that the order made; "" where the event does not say its revision."""
    return f"audit of {m.agent}, revision {m.revision}" if m.revision else ""


def _note(one: _Round, event: Event) -> None:
    if not isinstance(event.fact, MitigationProven) or one.in_force is None:
        return
    delivery, effect = event.fact.proof.delivery, event.fact.proof.effect
    after = duration((event.at - one.in_force.at).total_seconds())
    if delivery.instances and delivery.reached >= delivery.instances:
        took = duration(delivery.seconds) if delivery.seconds is not None else after
        words = f"delivered to {delivery.reached} of {delivery.instances} instances after {took}"
        one.signals.setdefault("delivered", (event, words))
    if effect.verdict is Verdict.OBSERVED:
        words = f"observed after {after} ({effect.k} of {effect.n} tasks)"
        one.signals.setdefault("observed", (event, words))
    if effect.verdict is Verdict.INEFFECTIVE:
        words = f"found ineffective after {after} ({effect.n - effect.k} of {effect.n} tasks did not obey)"
        one.signals.setdefault("ineffective", (event, words))


def _timed(one: _Round) -> Statement:
    in_force = one.in_force or one.asked
    waited = (
        f" (asked {duration((in_force.at - one.asked.at).total_seconds())} before)" if in_force is not one.asked else ""
    )
    parts = [f"in force since {clock(in_force.at)}{waited}"]
    for name in ("delivered", "observed", "ineffective"):
        if name in one.signals:
            parts.append(one.signals[name][1])
        elif name != "ineffective":
            parts.append(f"no event records that it was {name}")
    if one.audit:
        parts.append(one.audit)
    cited = dict.fromkeys((one.asked.id, in_force.id, *(event.id for event, _ in one.signals.values())))
    return Statement(f"{one.label}: {'; '.join(parts)}.", tuple(cited))
