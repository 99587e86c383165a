"""Mitigations and open questions as lines at a terminal, and as rows for programs."""

from typing import Any

from bot.incident.approval import Approval
from bot.incident.codec import encode
from bot.incident.control_words import proof_line
from bot.incident.kinds import LEVERS
from bot.incident.mitigation import Mitigation
from bot.incident.state import MitigationStatus


def line(m: Mitigation) -> str:
    """One mitigation: its id, what it is on, its state and what is not known of it."""
    until = f"until {m.expires_at:%Y-%m-%d %H:%M} UTC" if m.state.is_live else ""
    doubt = f"  declined: {m.declined}" if m.declined else f"  uncertain: {m.uncertain}" if m.uncertain else ""
    return f"{m.id}  {m.label} on {m.target}  {m.state.value} {until}  {m.incident}{doubt}"


def asked_line(question: Approval) -> str:
    """One open question, and how a second person answers it."""
    done = "did alone" if question.alone else "asks"
    return (
        f"  {question.asked_by.name} {done}: {question.words}. A second person answers until "
        f"{question.expires_at:%H:%M} UTC: firstfive control approve {question.id}"
    )


def standing(found: Mitigation, status: MitigationStatus | None) -> str:
    """How far the proof of it has come."""
    if found.uncertain:
        return f"uncertain: {found.uncertain}"
    if status is None or status.proof is None:
        return f"{found.state.value}: waiting for proof"
    return f"{found.state.value}: {proof_line(status.proof)}"


def _waiting(status: MitigationStatus | None) -> str:
    return f"; the next waits: {status.waiting}" if status and status.waiting else ""


def row(m: Mitigation) -> dict[str, Any]:
    """One mitigation for programs."""
    return {
        "id": m.id,
        "incident": m.incident,
        "agent": m.agent,
        "control": m.kind.value,
        "flag": LEVERS[m.kind].control,
        "value": encode(m.value),
        "limit": m.limit,
        "scope": encode(m.scope),
        "state": m.state.value,
        "live": m.state.is_live,
        "uncertain": m.uncertain,
        "declined": m.declined,
        "approval": m.approval or None,
        "driver": m.driver,
        "revision": m.revision,
        "applied_by": m.applied_by.name,
        "applied_at": m.applied_at.isoformat(),
        "expires_at": m.expires_at.isoformat(),
    }
