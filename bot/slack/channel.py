"""The channel of an incident: its name, and creating or finding it again."""

import re
import unicodedata
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from bot.incident.errors import Refused
from bot.incident.model import Incident
from bot.slack.workspace import Declined, Workspace, asked

LONGEST = 80
MOST_TRIES = 5  # names tried before giving up
PAGE = 200
MOST_PAGES = 20
CLOCKS_DIFFER = timedelta(minutes=5)  # Slack's clock against ours, when judging a channel's age


def channel_name(incident: Incident, attempt: int = 1) -> str:
    """``inc-7-helpdesk-agent-answers-are-nonsense``: lower case, digits, dashes, at most 80 characters."""
    ending = "" if attempt == 1 else f"-{attempt}"
    words = "-".join(part for part in (str(incident.key).lower(), slug(incident.agent), slug(incident.title)) if part)
    return words[: LONGEST - len(ending)].rstrip("-_") + ending


def slug(text: str) -> str:
    """Letters a to z, digits, ``_`` and ``-``; accents are dropped, everything else becomes a dash."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    return re.sub(r"-{2,}", "-", re.sub(r"[^a-z0-9_-]+", "-", plain)).strip("-_")


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel as it exists; ``fresh`` when we have just created it."""

    id: str
    name: str
    fresh: bool


@dataclass(frozen=True, slots=True)
class Channels:
    """Makes channels, once per incident."""

    workspace: Workspace

    async def for_incident(self, incident: Incident) -> Channel:
        """A new channel, or the one we made before a crash kept us from remembering it.

        Raises:
            Declined, Unavailable: Slack gave none.
            Refused: every name we would give it belongs to somebody else.
        """
        for attempt in range(1, MOST_TRIES + 1):
            name = channel_name(incident, attempt)
            try:
                # Left out when public: the local workspace takes any value for a yes.
                private = True if incident.private else None
                answer = await asked(self.workspace.room.conversations_create(name=name, is_private=private))
            except Declined as error:
                if error.code != "name_taken":
                    raise
            else:
                made = answer["channel"]
                return Channel(made["id"], made.get("name", name), fresh=True)
            ours = await self._made_before(name, incident)
            if ours is not None:
                return ours
        raise Refused(f"No channel for {incident.key}: its names are taken.")

    async def _made_before(self, name: str, incident: Incident) -> Channel | None:
        """Ours when we created it and it is no older than the incident: a name may come back with a new database."""
        oldest = (incident.declared_at - CLOCKS_DIFFER).timestamp()
        async for channel in self._all():
            if channel.get("name") != name:
                continue
            mine = channel.get("creator") == self.workspace.identity.user_id
            if mine and not channel.get("is_archived") and float(channel.get("created", 0)) >= oldest:
                return Channel(channel["id"], name, fresh=False)
            return None
        return None

    async def _all(self) -> AsyncIterator[Mapping[str, Any]]:
        cursor = ""
        for _ in range(MOST_PAGES):
            answer = await asked(
                self.workspace.room.conversations_list(
                    types="public_channel,private_channel", limit=PAGE, cursor=cursor or None
                )
            )
            for channel in answer.get("channels", ()):
                yield channel
            cursor = (answer.get("response_metadata") or {}).get("next_cursor", "")
            if not cursor:
                return
