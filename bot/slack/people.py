"""People as Slack names them, and as they are written in commands."""

import asyncio
import re
from collections.abc import Mapping
from typing import Any

from bot.incident.errors import BadInput, Unavailable
from bot.incident.model import Person
from bot.slack.workspace import Declined, Workspace, asked

_MENTION = re.compile(r"<@([UW][A-Z0-9]+)(?:\|([^>]*))?>")
PAGE = 200
MOST_PAGES = 10
KNOWN_FOR = 300.0  # seconds a list of people is good for
_ID = re.compile(r"[UW][A-Z0-9]{2,}")


def actor(payload: Mapping[str, Any]) -> Person:
    """Who typed the command, clicked or submitted."""
    user = payload.get("user")
    if isinstance(user, dict):
        person_id = str(user.get("id", ""))
        return Person(person_id, str(user.get("username") or user.get("name") or person_id))
    person_id = str(payload.get("user_id") or user or "")
    return Person(person_id, str(payload.get("user_name") or person_id))


class People:
    """Names of the people in the workspace, asked for once each."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._names: dict[str, str] = {}
        self._known: list[tuple[Person, frozenset[str]]] = []
        self._known_until = 0.0

    async def person(self, user_id: str) -> Person:
        """The person of that id; the id stands in where Slack will not tell the name."""
        if user_id not in self._names:
            try:
                answer = await asked(self._workspace.client.users_info(user=user_id))
            except (Declined, Unavailable):
                return Person(user_id, user_id)
            user = answer.get("user", {})
            profile = user.get("profile", {})
            self._names[user_id] = str(profile.get("display_name") or user.get("name") or user_id)
        return Person(user_id, self._names[user_id])

    async def mentioned(self, text: str) -> Person:
        """The person meant by ``<@U123|ana>``, ``U123`` or ``@ana``.

        Raises:
            BadInput: nobody of that name is here.
        """
        text = text.strip()
        mention = _MENTION.fullmatch(text)
        if mention:
            return Person(mention[1], mention[2]) if mention[2] else await self.person(mention[1])
        if _ID.fullmatch(text):
            return await self.person(text)
        found = await self._named(text.removeprefix("@").lower()) if text else None
        if found is None:
            raise BadInput(
                "person", f"Nobody here is called {text[:80] or '(nothing)'}. Mention them with @ and pick the name."
            )
        return found

    async def owner(self, text: str) -> str | None:
        """The user id of an owner in the catalogue: an id, a mention, a name or an e-mail address; None if unknown."""
        try:
            if "@" in text.strip().lstrip("@") and "<" not in text:
                answer = await asked(self._workspace.room.users_lookupByEmail(email=text.strip()))
                return str(answer.get("user", {}).get("id", "")) or None
            return (await self.mentioned(text)).id
        except (BadInput, Declined, Unavailable):
            return None

    async def everybody(self) -> tuple[Person, ...]:
        """The first 2000 people here, by name; empty where Slack will not tell."""
        return tuple(sorted((person for person, _ in await self._listed()), key=lambda person: person.name))

    async def _named(self, name: str) -> Person | None:
        return next((person for person, names in await self._listed() if name in names), None)

    async def _listed(self) -> list[tuple[Person, frozenset[str]]]:
        """People who are no bots, each with every name they go by in lower case; asked for every five minutes at most."""
        now = asyncio.get_running_loop().time()
        if self._known and now < self._known_until:
            return self._known
        try:
            members = await self._members()
        except (Declined, Unavailable):
            return self._known
        self._known = [_named(user) for user in members if _is_somebody(user)]
        self._known_until = now + KNOWN_FOR
        return self._known

    async def _members(self) -> list[Mapping[str, Any]]:
        found: list[Mapping[str, Any]] = []
        cursor = ""
        for _ in range(MOST_PAGES):
            answer = await asked(self._workspace.client.users_list(limit=PAGE, cursor=cursor or None))
            found += answer.get("members", ())
            cursor = str((answer.get("response_metadata") or {}).get("next_cursor") or "")
            if not cursor:
                break
        return found


def _is_somebody(user: Mapping[str, Any]) -> bool:
    return not (user.get("deleted") or user.get("is_bot") or user.get("id") == "USLACKBOT")


def _named(user: Mapping[str, Any]) -> tuple[Person, frozenset[str]]:
    profile = user.get("profile") or {}
    names = (user.get("name"), profile.get("display_name"), user.get("real_name"))
    person = Person(str(user["id"]), str(profile.get("display_name") or user.get("name") or user["id"]))
    return person, frozenset(str(name).lower() for name in names if name)
