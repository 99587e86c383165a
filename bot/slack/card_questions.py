"""Questions to a second person in the room: asked with their two answers, and answered."""

from bot.incident.approval import Approval, ApprovalState, Loosening
from bot.incident.state import IncidentState
from bot.slack.blocks import Block, actions, button, section
from bot.slack.text import date_token, plain_untrusted, quote_untrusted, sentence, who


def open_questions(state: IncidentState) -> list[Block]:
    """The oldest question to a second person with its two answers; the others are counted."""
    pending = state.pending_approvals
    if not pending:
        return []
    more = f" {len(pending) - 1} more wait." if len(pending) > 1 else ""
    return list(question_blocks(pending[0], more))


def question_blocks(asked: Approval, more: str = "") -> tuple[Block, Block]:
    """One question to a second person: who asks for what and why, until when, and buttons that say what happens."""
    done = "did alone" if asked.alone else "asks"
    why = asked.alone or asked.ask.reason
    approve, decline = answers_to(asked)
    lines = [
        f"⚪ *{who(asked.asked_by)} {done}: {quote_untrusted(asked.words, 300)}*",
        sentence(quote_untrusted(asked.riskier, 300)) + (f" Why: {quote_untrusted(why, 300)}" if why else ""),
        f"A second person answers until {date_token(asked.expires_at)}.{more}",
    ]
    about = {"k": str(asked.incident), "a": asked.id}
    row = actions(f"approval-{asked.id}", button(approve, "approve", about), button(decline, "refuse", about))
    return section("\n".join(lines)), row


def answered_blocks(asked: Approval) -> list[Block]:
    """A question that is over: who answered and what, and who had asked for it."""
    note = f" {quote_untrusted(asked.note, 300)}" if asked.note else ""
    when = f" {date_token(asked.decided_at)}" if asked.decided_at else ""
    mark = "🟢" if asked.state is ApprovalState.GRANTED else "⚪"
    asked_by = f"{'Done alone' if asked.alone else 'Asked'} by {who(asked.asked_by)} {date_token(asked.asked_at)}."
    return [section(f"{mark} *{answer_words(asked)}*{when}\n{asked_by}{note}")]


def answer_words(asked: Approval) -> str:
    """What became of the question, in one line."""
    words = quote_untrusted(asked.words, 300)
    match asked.state:
        case ApprovalState.GRANTED if asked.decided_by:
            return f"{who(asked.decided_by)} approved: {words}"
        case ApprovalState.REFUSED if asked.decided_by:
            return f"{who(asked.decided_by)} declined: {words}"
        case _:
            return f"Nobody answered in time: {words}"


def answers_to(asked: Approval) -> tuple[str, str]:
    """What the two buttons say."""
    words = plain_untrusted(asked.words, 60)
    if asked.alone:
        return f"Approve: {words}", "Decline"
    if asked.ask.action is Loosening.REMEDIATE:
        return f"Approve: {words}", "Decline: it stays locked"
    return f"Approve: {words}", "Decline: it stays as it is"
