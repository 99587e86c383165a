"""What a responder orders: its words, the mitigation drafted from it, and what stands against it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from hashlib import sha256

from bot.incident.choices import full_label
from bot.incident.codec import encode
from bot.incident.errors import BadInput, Conflict, NotFound
from bot.incident.fitness import judge
from bot.incident.kinds import LEVERS, Joining, MitigationKind
from bot.incident.mitigation import EVERYWHERE, MAX_TTL, Mitigation, MitigationState, OnExpiry, Scope
from bot.incident.model import IncidentKey, Person
from bot.incident.offer import Standing
from bot.incident.rules import Taxonomy
from bot.incident.state import IncidentState
from bot.incident.wishes import MOST_CHARACTERS, reason_of, value_of
from bot.response.in_force import overlapping

NOBODY = Person("", "nobody")


@dataclass(frozen=True, slots=True)
class Order:
    """What a responder asks for. ``override`` is the reason for pulling a contraindicated lever.

    ``value`` is as typed; :func:`bot.incident.wishes.value_of` says what each kind takes. ``supersedes`` is
    the id of the pin it takes the place of, ``expected`` the agent's revision that the decision rests on.
    """

    kind: MitigationKind
    value: object = None
    minutes: int = 60
    reason: str = ""
    override: str | None = None
    scope: Scope = EVERYWHERE
    supersedes: str = ""
    on_expiry: OnExpiry | None = None
    expected: int | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of what is asked for, to tell a repeated request from another one."""
        asked = encode(replace(self, expected=None))
        return sha256(json.dumps(asked, sort_keys=True, default=str).encode()).hexdigest()


def checked_order(order: Order) -> None:
    """Minutes, value and scope are usable.

    Raises:
        BadInput: one of them is not; the sentence says the range.
    """
    most = int(MAX_TTL.total_seconds() // 60)
    if not 1 <= order.minutes <= most:
        raise BadInput("minutes", f"A mitigation lasts from 1 to {most} minutes; extend it when it needs longer.")
    value_of(order.kind, order.value)
    reason_of(order.reason)
    reason_of(order.override or "", "override")
    for name, said in encode(order.scope).items():
        if len(said) > MOST_CHARACTERS or not said.isprintable():
            raise BadInput(
                "scope", f"The {name} of the scope has 1 to {MOST_CHARACTERS} printable characters, or none."
            )


def drafted(agent: str, order: Order, state: IncidentState | None, at: datetime) -> Mitigation:
    """The mitigation that an order asks for, nobody's yet and not in force."""
    hold = order.kind is MitigationKind.HALT and state is not None and state.harm_now
    incident = state.incident.key if state else IncidentKey("")
    return Mitigation(
        id="",
        kind=order.kind,
        agent=agent,
        scope=order.scope,
        value=value_of(order.kind, order.value),
        reason=order.reason.strip() or (order.override or "").strip() or f"contain {incident}",
        incident=incident,
        applied_by=NOBODY,
        applied_at=at,
        expires_at=at + timedelta(minutes=order.minutes),
        on_expiry=order.on_expiry or (OnExpiry.HOLD_AND_PAGE if hold else OnExpiry.REVERT),
        state=MitigationState.DRAFT,
        supersedes=order.supersedes,
    )


def lasting(wanted: Mitigation, superseded: Mitigation | None) -> Mitigation:
    """What takes the place of another lasts at least as long: to end sooner is to loosen, which needs two people."""
    if superseded is None:
        return wanted
    held = OnExpiry.HOLD_AND_PAGE in {wanted.on_expiry, superseded.on_expiry}
    return replace(
        wanted,
        expires_at=max(wanted.expires_at, superseded.expires_at),
        on_expiry=OnExpiry.HOLD_AND_PAGE if held else OnExpiry.REVERT,
    )


def supersession(live: Sequence[Mitigation], wanted: Mitigation) -> Mitigation | None:
    """The live mitigation that the wanted one takes the place of; None when it stands in nobody's way.

    Raises:
        Conflict: another one of a kind without order is in force there and is not named.
        NotFound: the one that is named is not in force.
    """
    named = next((m for m in live if m.id == wanted.supersedes and m.state.is_live), None)
    if wanted.supersedes and (named is None or named.agent != wanted.agent or named.kind is not wanted.kind):
        raise NotFound(f"{wanted.supersedes[:40]} is no {wanted.kind.label.lower()} in force on {wanted.agent}.")
    without_conflict(live, wanted)
    return named


def without_conflict(live: Sequence[Mitigation], wanted: Mitigation) -> None:
    """No other one of a kind without order is in force where the wanted one binds, but the one it supersedes.

    Raises:
        Conflict: there is one with another value.
    """
    if LEVERS[wanted.kind].joining is not Joining.ALONE:
        return
    for other in overlapping(live, wanted):
        if other.value != wanted.value and other.id != wanted.supersedes:
            name = full_label(other.kind, other.value, other.scope)
            raise Conflict(
                other.id,
                f"{name} is in force for {other.incident}, and no {wanted.kind.label.lower()} is safer "
                f"than another. Name it to take its place: supersedes {other.id}.",
            )


def contraindication(state: IncidentState, order: Order, taxonomy: Taxonomy, failing: float) -> str | None:
    """Why this lever is refused as asked, or None when it may be pulled."""
    if (order.override or "").strip():
        return None
    standing, why = judge(order.kind, state.incident_class, taxonomy, harm_now=state.harm_now, failing=failing)
    if standing is not Standing.CONTRAINDICATED or state.incident_class is None:
        return None
    name = state.incident_class.value
    return f"{order.kind.label} makes {name} worse: {why}. Give a reason to override, or choose another mitigation."


def mitigation_id(state: IncidentState, idem: str) -> str:
    """The id follows from the click, so that the same click delivered twice makes one mitigation."""
    return sha256(f"{state.incident.key}\n{idem}".encode()).hexdigest()[:20]
