"""Put a question to a second person: on the timeline, in the room, and with its end."""

from bot.incident.approval import BREAK_GLASS_TTL, UNNAMED_CALLER, Approval
from bot.incident.errors import NotAllowed
from bot.incident.facts.approving import ApprovalRequested
from bot.incident.facts.closing import ActionAdded
from bot.incident.model import FIRSTFIVE
from bot.ports import Job, JobName, Work
from bot.response.recording import post, record


async def put_question(work: Work, asked: Approval, idem: str) -> bool:
    """The question stands, or what was done alone is told with its action item; False when this very click has asked before.

    Raises:
        NotAllowed: nobody knows who asks, so nobody could be told apart from whoever approves.
    """
    if asked.asked_by.id == UNNAMED_CALLER:
        raise NotAllowed(
            f"To {asked.words} takes two people, so say who asks in the header Firstfive-Actor; "
            "a token alone is nobody. Nothing was changed."
        )
    fact = ApprovalRequested(asked)
    if not await record(work, asked.incident, fact, asked.asked_by, asked.asked_at, f"ask:{idem}"):
        return False
    await work.jobs.schedule(Job(JobName.APPROVAL_EXPIRY, f"lapse:{asked.id}", asked.id, asked.expires_at))
    if asked.alone:
        await _told_alone(work, asked)
    else:
        why = f"{asked.riskier[:1].upper()}{asked.riskier[1:]}"
        text = f"{asked.asked_by.name} asks to {asked.words}. {why}. A second person has to approve it."
        await post(work, asked.incident, f"ask:{asked.id}", text)
    return True


async def _told_alone(work: Work, asked: Approval) -> None:
    minutes, name = int(BREAK_GLASS_TTL.total_seconds() // 60), asked.asked_by.name
    then = (
        f"It falls back in {minutes} min unless a second person approves it."
        if asked.can_fall_back
        else f"A second person is to look at it within {minutes} min."
    )
    text = f"{name} broke the glass to {asked.words}: {asked.alone.rstrip('.')}. {then}"
    await post(work, asked.incident, f"glass:{asked.id}", text)
    action = f"Find out why nobody could approve in time to {asked.words}; it was done alone ({asked.alone})."
    await record(work, asked.incident, ActionAdded(action), FIRSTFIVE, asked.asked_at, f"glass-action:{asked.id}")
