"""A second pair of eyes: what somebody asks to loosen, who may say yes, and until when the question stands."""

import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from hashlib import sha256

from bot.incident.control_values import at_least_as_safe
from bot.incident.kinds import MitigationKind, Value
from bot.incident.model import IncidentKey, Person
from bot.incident.remediation import RemediationStarted

APPROVAL_TTL = timedelta(minutes=30)
BREAK_GLASS_TTL = timedelta(minutes=30)  # then what was loosened alone falls back
UNNAMED_CALLER = "api:token"  # the id of a caller of the API who named nobody
_GROUP = re.compile(r"S[A-Z0-9]{2,}")  # the id of a Slack user group


class Loosening(StrEnum):
    """The riskier things somebody can ask for."""

    APPLY = "apply"  # put in force a pin that leaves something unpinned which was pinned before
    REVERT = "revert"
    EXTEND = "extend"  # past the longest time a mitigation lasts by itself
    ADJUST = "adjust"  # to a looser value
    EXIT_PLAN = "exit-plan"  # step by step to looser values, each behind the recovery gate
    STEP = "step"  # the next step of an exit plan, before its gate is met
    REMEDIATE = "remediate"  # start a remediation that its gate locks


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to happen to one mitigation. ``value`` goes with adjust, ``minutes`` with extend and an exit plan's pace.

    Remediate is about no mitigation; ``starts`` is what goes on the timeline once somebody has approved it.
    """

    action: Loosening
    mitigation: str
    reason: str = ""
    value: Value | None = None
    minutes: int = 0
    steps: tuple[Value, ...] = ()
    starts: RemediationStarted | None = None


class ApprovalState(StrEnum):
    """How the question ended, or that it still stands."""

    PENDING = "pending"
    GRANTED = "granted"
    REFUSED = "refused"
    LAPSED = "lapsed"


@dataclass(frozen=True, slots=True)
class Approval:
    """One question to a second person. ``words`` say what is asked for, ``riskier`` why it needs asking.

    With ``alone`` the glass was broken: it is done already, for the reason given there, and falls back
    when the time runs out without anybody's yes, if it ``can_fall_back``.
    """

    id: str
    incident: IncidentKey
    agent: str
    ask: Ask
    words: str
    riskier: str
    asked_by: Person
    asked_at: datetime
    expires_at: datetime
    state: ApprovalState = ApprovalState.PENDING
    decided_by: Person | None = None
    decided_at: datetime | None = None
    note: str = ""
    alone: str = ""
    before: Value | None = None  # the value before, where one was changed

    @property
    def is_pending(self) -> bool:
        """Nobody has decided yet."""
        return self.state is ApprovalState.PENDING

    @property
    def can_fall_back(self) -> bool:
        """We can undo it. A remediation is in the hands of people or their pipeline, and we cannot."""
        return self.ask.starts is None

    def is_overtaken(self, kind: MitigationKind, value: Value) -> bool:
        """The control was tightened since it was asked, so a yes would loosen more than was asked for."""
        known = self.before is not None and self.ask.action is not Loosening.EXTEND
        return known and not self.alone and not at_least_as_safe(kind, self.before, value)


def approval_id(incident: IncidentKey, idem: str) -> str:
    """The id names its incident, so that it is found again by it alone: ``INC-7-3f9a02c1b4``."""
    return f"{incident}-{sha256(idem.encode()).hexdigest()[:10]}"


def incident_of(approval: str) -> str | None:
    """The incident that an approval's id names; None when it is no such id."""
    match = re.fullmatch(r"(INC-[1-9]\d{0,8})-[0-9a-f]{10}", approval.strip())
    return match.group(1) if match else None


def groups_in(approvers: Collection[str]) -> tuple[str, ...]:
    """The Slack user groups among the approvers of a catalogue entry, which somebody has to look up."""
    return tuple(sorted(name for name in approvers if _GROUP.fullmatch(name)))


def why_not(
    approval: Approval, person: Person, approvers: Collection[str], members: Mapping[str, Collection[str]]
) -> str | None:
    """Why this person may not approve, in one sentence; None when they may.

    ``approvers`` are ids or names of people and ids of groups; empty means any other responder.
    ``members`` are the people of each group, as far as they could be looked up.
    """
    if _same(person, approval.asked_by):
        return f"{approval.asked_by.name} asked for it, so somebody else has to approve it."
    if person.id == UNNAMED_CALLER:
        return "Say who approves in the header Firstfive-Actor; a token alone is nobody."
    if not approvers:
        return None
    people = {name.casefold() for name in approvers}
    if {person.id.casefold(), person.name.casefold()} & people:
        return None
    if any(person.id in members.get(group, ()) for group in groups_in(approvers)):
        return None
    unknown = [group for group in groups_in(approvers) if group not in members]
    more = f" The members of {', '.join(unknown)} could not be looked up." if unknown else ""
    named = ", ".join(approvers)
    return f"{person.name} is no approver of {approval.agent}; these are: {named}.{more}"


def _same(one: Person, other: Person) -> bool:
    """The same person, also when they came through another door or gave their chat id as their name."""
    return bool(_names(one) & _names(other))


def _names(person: Person) -> frozenset[str]:
    bare = person.id.rpartition(":")[2] or person.id  # however many doors stand before it
    return frozenset(
        unicodedata.normalize("NFKC", name).strip().lstrip("@").casefold() for name in (person.id, bare, person.name)
    )
