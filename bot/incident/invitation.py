"""Private links: a signed note that lets one person classify one incident until a moment, and nothing else."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from bot.incident.errors import NotAdmitted
from bot.incident.model import IncidentKey, Person

PURPOSE: Final = b"firstfive\ninvitation\n"  # so that no other signature of ours passes for one
MOST_CHARACTERS: Final = 1000


@dataclass(frozen=True, slots=True)
class Invitation:
    """Who may classify which incident, until when."""

    incident: IncidentKey
    owner: str
    expires_at: datetime

    @property
    def person(self) -> Person:
        """The owner as the timeline names them."""
        return Person(f"owner:{self.owner}", self.owner)


def sealed(invitation: Invitation, secret: str) -> str:
    """The token: the invitation as base64url of JSON, a dot, and its HMAC-SHA-256 (RFC 2104) as base64url."""
    said = [invitation.incident, invitation.owner, int(invitation.expires_at.timestamp())]
    body = _text(json.dumps(said, separators=(",", ":")).encode())
    return f"{body}.{_text(_signature(body, secret))}"


def opened(token: str, secret: str, now: datetime) -> Invitation:
    """The invitation in a token.

    Raises:
        NotAdmitted: it is not ours, was changed, or its time is over.
    """
    body, _, signature = token.partition(".")
    if len(token) > MOST_CHARACTERS or not token.isascii() or not _genuine(body, signature, secret):
        raise NotAdmitted("This link is not complete or not ours. Ask whoever sent it for a new one.")
    key, owner, expires = json.loads(_bytes(body))
    invitation = Invitation(IncidentKey(key), owner, datetime.fromtimestamp(expires, UTC))
    if invitation.expires_at <= now:
        ended = f"{invitation.expires_at:%H:%M} UTC on {invitation.expires_at:%-d %B}"
        raise NotAdmitted(f"This link ended at {ended}. Ask whoever sent it for a new one.")
    return invitation


def _genuine(body: str, signature: str, secret: str) -> bool:
    try:
        return hmac.compare_digest(_bytes(signature), _signature(body, secret))
    except (ValueError, binascii.Error):
        return False


def _signature(body: str, secret: str) -> bytes:
    return hmac.new(secret.encode(), PURPOSE + body.encode(), hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
