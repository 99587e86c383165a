"""Start what its gate locks: asked by one person and approved by another, or begun alone with a reason."""

from dataclasses import replace
from datetime import datetime

from bot.incident.approval import APPROVAL_TTL, BREAK_GLASS_TTL, Approval, ApprovalState, Ask, Loosening, approval_id
from bot.incident.errors import NeedsSecondPerson
from bot.incident.facts.approving import ApprovalDecided, ApprovalLapsed
from bot.incident.model import FIRSTFIVE, Person
from bot.incident.remediation import RemediationStarted, Wish
from bot.incident.state import IncidentState
from bot.ports import Work
from bot.response.questions import put_question
from bot.response.recording import open_state_of, post, record, state_of

STARTED = "It was started already and nothing undoes it by itself: say how it ends, or that it is withdrawn."


async def ask_override(
    work: Work, state: IncidentState, fact: RemediationStarted, by: Person, at: datetime, idem: str
) -> None:
    """Put it to a second person; with ``fact.alone`` it starts now. The same wish stands once, whoever asks.

    Raises:
        NeedsSecondPerson: the glass was broken for it before, and nobody approved that.
    """
    if fact.alone:
        _once(state, fact.wish)
    standing = waiting_for(state, fact.wish)
    if not fact.alone and standing is not None and standing.expires_at > at:
        return
    asked = Approval(
        id=approval_id(state.incident.key, f"{fact.remediation}\n{idem}"),
        incident=state.incident.key,
        agent=state.incident.agent,
        ask=Ask(Loosening.REMEDIATE, "", f"{fact.reason}; in spite of the lock: {fact.override}", starts=fact),
        words=f"start {fact.wish.label} in spite of its lock",
        riskier="; ".join(fact.grounds),
        asked_by=by,
        asked_at=at,
        expires_at=at + (BREAK_GLASS_TTL if fact.alone else APPROVAL_TTL),
        alone=fact.alone,
    )
    if await put_question(work, asked, idem) and fact.alone:
        await record(work, asked.incident, fact, by, at, f"remediate:{fact.remediation}")


def _once(state: IncidentState, wish: Wish) -> None:
    for one in state.approvals.values():
        same = one.alone and one.ask.starts and one.ask.starts.wish == wish
        if same and one.state is not ApprovalState.GRANTED:
            raise NeedsSecondPerson(
                f"{one.asked_by.name} broke the glass to {one.words} before, and nobody has approved it. "
                "It cannot be done alone again: ask without, and have a second person approve it."
            )


async def decide_override(
    work: Work, asked: Approval, by: Person, at: datetime, *, granted: bool, note: str = ""
) -> None:
    """A second person's answer, already found to be allowed. What is under way by now is not started again.

    Raises:
        Closed: the incident is over, so nothing is started for it any more.
    """
    starts = granted and not asked.alone
    state = await (open_state_of(work, asked.incident, "remediation") if starts else state_of(work, asked.incident))
    if not await record(work, asked.incident, ApprovalDecided(asked.id, granted, note), by, at, f"decide:{asked.id}"):
        return
    said = [f"{by.name} {'approved' if granted else 'refused'} to {asked.words}.", note]
    fact = asked.ask.starts
    if asked.alone and not granted:
        said.append(STARTED)
    if starts and fact is not None and is_under_way(state, fact.wish):
        said.append("It is under way already.")
    elif starts and fact is not None:
        started = replace(fact, approved_by=by)
        await record(work, asked.incident, started, asked.asked_by, at, f"remediate:{fact.remediation}")
    await post(work, asked.incident, f"decided:{asked.id}", " ".join(part for part in said if part))


async def lapse_override(work: Work, asked: Approval, at: datetime) -> None:
    """Nobody answered in time: nothing starts, and what was begun alone is said to go on."""
    if await record(work, asked.incident, ApprovalLapsed(asked.id), FIRSTFIVE, at, f"lapse:{asked.id}"):
        rest = STARTED if asked.alone else "It was not started."
        await post(work, asked.incident, f"lapsed:{asked.id}", f"Nobody approved to {asked.words} in time. {rest}")


def waiting_for(state: IncidentState, wish: Wish) -> Approval | None:
    """The newest question to a second person that stands about ``wish``; None when there is none."""
    return next((one for one in reversed(waiting(state)) if one.ask.starts and one.ask.starts.wish == wish), None)


def waiting(state: IncidentState) -> tuple[Approval, ...]:
    """What waits for a second person before it starts, oldest first."""
    asked = ((one, one.ask.starts) for one in state.pending_approvals if not one.alone)
    return tuple(one for one, fact in asked if fact and not is_under_way(state, fact.wish))


def is_under_way(state: IncidentState, wish: Wish) -> bool:
    """The same was started and has not ended."""
    return any(one.fact.wish == wish and one.ended is None for one in state.remediations.values())
