"""A second person's yes or no to what somebody asked."""

from collections.abc import Mapping
from dataclasses import dataclass

from bot.incident.approval import Approval, ApprovalState, Loosening, groups_in, incident_of, why_not
from bot.incident.errors import Closed, Conflict, NotAllowed, NotFound, Unavailable
from bot.incident.mitigation import Mitigation, MitigationState
from bot.incident.model import Catalogue, Person
from bot.incident.wishes import reason_of
from bot.ports import Clock, Groups, Records, Work
from bot.response.changes import Changes
from bot.response.deciding import decide
from bot.response.orders import without_conflict
from bot.response.override import decide_override
from bot.response.recording import open_state_of, state_of


@dataclass(frozen=True, slots=True)
class Decide:
    """A second person's yes or no to what somebody asked."""

    changes: Changes
    clock: Clock
    catalogue: Catalogue
    groups: Groups

    async def __call__(self, approval_id: str, by: Person, *, granted: bool, note: str = "") -> Mitigation:
        """As :meth:`answer`, for a question about a mitigation, which comes back as it is afterwards.

        Raises:
            NotFound: there is no such question, or it is about no mitigation.
            Closed, NotAllowed: as there.
        """
        async with self.changes.records.look() as work:
            approval = await approval_of(work, approval_id)
            found = await work.mitigations.get(approval.ask.mitigation)
        if found is None:
            raise NotFound("The mitigation it is about is not here any more.")
        return await self.answer(approval_id, by, granted=granted, note=note) or found

    async def answer(self, approval_id: str, by: Person, *, granted: bool, note: str = "") -> Mitigation | None:
        """Take the answer and do what was asked. The mitigation it is about; None for a remediation.

        Raises:
            NotFound: there is no such question.
            Closed: it is answered already, its time is over, or the incident is, for which something was to begin.
            Conflict: a pin came into force meanwhile that the one to be applied does not supersede.
            NotAllowed: this person may not answer it.
        """
        records: Records = self.changes.records
        async with records.look() as work:
            approval = await approval_of(work, approval_id)
        approvers = self.catalogue.agent(approval.agent).approvers
        members = await self._members(approvers)
        async with records.begin() as work:
            approval = await approval_of(work, approval_id)
            if _answered_so(approval, by, granted=granted):
                return await work.mitigations.get(approval.ask.mitigation)  # the same answer again
            refusal = self.refusal(approval, by, approvers, members, granted=granted)
            if refusal is not None:
                raise refusal
            said = reason_of(note, "note")
            if approval.ask.action is Loosening.REMEDIATE:
                await decide_override(work, approval, by, self.clock.now(), granted=granted, note=said)
                return None
            mitigation = await _as_asked(work, approval, granted=granted)
            changed = await decide(work, approval, mitigation, by, self.clock, granted=granted, note=said)
        return await self.changes.finish(changed)

    def refusal(
        self,
        approval: Approval,
        by: Person,
        approvers: tuple[str, ...],
        members: Mapping[str, frozenset[str]],
        *,
        granted: bool,
    ) -> Closed | NotAllowed | None:
        """Why this answer is not taken, or None."""
        if not approval.is_pending:
            decider = f" by {approval.decided_by.name}" if approval.decided_by else ""
            return Closed(f"To {approval.words} is {approval.state.value} already{decider}. Nothing was changed.")
        if approval.expires_at <= self.clock.now():
            return Closed(f"The time to approve to {approval.words} is over. Ask again if it is still wanted.")
        if not granted and by.id == approval.asked_by.id:
            return None  # to take one's own question back is the safe side
        why = why_not(approval, by, approvers, members)
        return NotAllowed(why) if why else None

    async def _members(self, approvers: tuple[str, ...]) -> Mapping[str, frozenset[str]]:
        found: dict[str, frozenset[str]] = {}
        for group in groups_in(approvers):
            try:
                found[group] = await self.groups.members(group)
            except Unavailable:
                continue  # the sentence to the person names the group that could not be looked up
        return found


async def _as_asked(work: Work, approval: Approval, *, granted: bool) -> Mitigation:
    """The mitigation a question is about.

    Raises:
        NotFound: it is gone.
        Closed: it has ended, or was tightened since, so a yes would loosen more than was asked for; or the incident, for
            which it was to be applied, is over.
        Conflict: another pin came into force there meanwhile.
    """
    mitigation = await work.mitigations.get(approval.ask.mitigation)
    if mitigation is None:
        raise NotFound("The mitigation it is about is not here any more.")
    if granted and not approval.alone and mitigation.state.has_ended:
        raise Closed(
            f"{mitigation.label} on {mitigation.target} is {mitigation.state.value} already. Nothing was changed."
        )
    if granted and approval.is_overtaken(mitigation.kind, mitigation.value):
        raise Closed(
            f"It is {mitigation.label} now, tighter than when {approval.asked_by.name} asked to "
            f"{approval.words}. Ask again if it is still wanted."
        )
    if granted and mitigation.state is MitigationState.AWAITING_APPROVAL:
        await open_state_of(work, approval.incident, "mitigation")
        await _unopposed(work, approval, mitigation)
    return mitigation


async def _unopposed(work: Work, approval: Approval, wanted: Mitigation) -> None:
    live, _ = await work.mitigations.live()
    try:
        without_conflict(live, wanted)
    except Conflict as error:
        raise Conflict(
            error.with_id,
            f"Another {wanted.kind.label.lower()} came into force since {approval.asked_by.name} asked to "
            f"{approval.words}. Decline the question, and ask again with supersedes {error.with_id}.",
        ) from error


def _answered_so(approval: Approval, by: Person, *, granted: bool) -> bool:
    said = ApprovalState.GRANTED if granted else ApprovalState.REFUSED
    return approval.state is said and approval.decided_by is not None and approval.decided_by.id == by.id


async def approval_of(work: Work, approval_id: str) -> Approval:
    """The question of that id, as its incident's timeline tells it.

    Raises:
        NotFound: there is none.
    """
    key = incident_of(approval_id)
    state = await state_of(work, key) if key else None
    approval = state.approvals.get(approval_id.strip()) if state else None
    if approval is None:
        raise NotFound("There is no such question. `firstfive control list` and the card show the open ones.")
    return approval
