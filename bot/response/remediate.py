"""Remediate: what repairs, behind its gate. We record and weigh it; people or their pipeline carry it out."""

from dataclasses import dataclass
from hashlib import sha256

from bot.incident.errors import BadInput, Locked, NotFound
from bot.incident.model import Person
from bot.incident.remediation import Outcome, Permission, RemediationEnded, RemediationRefused, RemediationStarted, Wish
from bot.incident.rules import RemediationKind
from bot.incident.state import IncidentState
from bot.incident.wishes import reason_of
from bot.ports import Clock, Records, Work
from bot.response.evaluate import named_version
from bot.response.override import ask_override
from bot.response.recording import open_state_of, post, record, state_of
from bot.response.weigh_remediation import WeighRemediation

MOST_CHARACTERS = 500


@dataclass(frozen=True, slots=True)
class Remediate:
    """Record that somebody repairs it, and how that ended."""

    records: Records
    clock: Clock
    weigh: WeighRemediation

    async def __call__(
        self, key: str, wish: Wish, reason: str, by: Person, idem: str, override: str | None = None, alone: str = ""
    ) -> IncidentState:
        """The state with the remediation started, or with the question that a second person has to answer first.

        What its gate grants is one person's click. With ``override``, why in spite of the lock, it is put to a
        second person; ``alone``, why it cannot wait for one, starts it at once. The same click again does it once.

        Raises:
            NotFound, Closed: no such incident, or not open.
            BadInput: the reason is missing, a rollback names no version, or something is too long.
            Locked: it may not be done now and no override was given; the sentence says why.
            NeedsSecondPerson: the glass was broken for it before, and nobody approved that.
        """
        reasons = checked(wish, reason, override or "", alone)
        async with self.records.look() as work:
            state = await state_of(work, key)
            name = remediation_id(state, idem)
            if _known(state, name):
                return state
            state = await open_state_of(work, key, "remediation")
        permission = await self.weigh.permission(state, wish)
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "remediation")
            fact = _fact(name, wish, reasons, permission)
            if permission.granted:
                await self._start(work, state, fact, by, idem)
            elif fact.override:
                await ask_override(work, state, fact, by, self.clock.now(), idem)
            else:
                refused = RemediationRefused(wish, permission.because)
                at = self.clock.now()
                await record(work, state.incident.key, refused, by, at, f"remediation-refused:{idem}")
            after = await state_of(work, key)
        if not permission.granted and not fact.override:
            raise Locked(
                f"{wish.label} is locked: {permission.reason}. Do what is missing, or say why in spite of that: "
                "a second person then has to approve it."
            )
        return after

    async def _start(self, work: Work, state: IncidentState, fact: RemediationStarted, by: Person, idem: str) -> None:
        if await record(work, state.incident.key, fact, by, self.clock.now(), f"remediate:{idem}"):
            text = f"{fact.wish.label} started by {by.name}: {fact.reason.rstrip('.')}."
            await post(work, state.incident.key, f"remediate:{idem}", text)

    async def end(
        self, key: str, remediation: str, outcome: Outcome, detail: str, by: Person, idem: str
    ) -> IncidentState:
        """The state with the outcome of a remediation; the first outcome counts.

        Raises:
            NotFound: no such incident or remediation.
            Closed: the incident is resolved or reviewed.
        """
        async with self.records.begin() as work:
            state = await open_state_of(work, key, "outcome of a remediation")
            known = state.remediations.get(remediation)
            if known is None:
                raise NotFound(f"{state.incident.key} has no remediation {remediation[:40]!r}. Its page lists them.")
            if known.ended is None:
                fact = RemediationEnded(remediation, outcome, detail.strip()[:MOST_CHARACTERS])
                await record(work, state.incident.key, fact, by, self.clock.now(), f"remediation-ended:{idem}")
            return await state_of(work, key)


@dataclass(frozen=True, slots=True)
class Reasons:
    """Why somebody wants it, why in spite of its lock, and why without waiting for a second person."""

    why: str
    override: str = ""
    alone: str = ""


def checked(wish: Wish, why: str, override: str = "", alone: str = "") -> Reasons:
    """The reasons, without spaces around them; everything a remediation needs is there.

    Raises:
        BadInput: something is missing or too long.
    """
    found = Reasons(why.strip(), reason_of(override, "override"), reason_of(alone, "reason for doing it alone"))
    if not found.why or len(found.why) > MOST_CHARACTERS:
        raise BadInput("reason", f"Say in a few words why, in {MOST_CHARACTERS} characters at most.")
    if wish.kind is RemediationKind.ROLLBACK:
        named_version(wish.target)
    return found


def _fact(name: str, wish: Wish, reasons: Reasons, permission: Permission) -> RemediationStarted:
    """What goes on the timeline when it starts: of an override the reasons for it, too."""
    if permission.granted:
        return RemediationStarted(name, wish, reasons.why, permission.because)
    override = reasons.override or reasons.alone or None
    return RemediationStarted(name, wish, reasons.why, permission.because, override, alone=reasons.alone)


def _known(state: IncidentState, name: str) -> bool:
    """This very click has started it, or has asked for it."""
    asked = (one.ask.starts for one in state.approvals.values())
    return name in state.remediations or any(fact.remediation == name for fact in asked if fact)


def remediation_id(state: IncidentState, idem: str) -> str:
    """The id follows from the click, so that the same click delivered twice makes one."""
    return sha256(f"{state.incident.key}\nremediate\n{idem}".encode()).hexdigest()[:20]
