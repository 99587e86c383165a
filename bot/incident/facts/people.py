"""Facts about the people in it: who took which role, and what they told one another."""

from dataclasses import dataclass
from typing import TypeAlias

from bot.incident.model import Person, Role


@dataclass(frozen=True, slots=True)
class RoleTaken:
    """A person took, or was given, a role."""

    role: Role
    person: Person


@dataclass(frozen=True, slots=True)
class NoteAdded:
    """A note, typed or pinned from a message. ``source`` is "command", "pin", "cli" or "api"."""

    text: str
    source: str
    author: Person
    permalink: str | None = None


@dataclass(frozen=True, slots=True)
class UpdatePosted:
    """A status update for those who wait."""

    text: str


PeopleFact: TypeAlias = RoleTaken | NoteAdded | UpdatePosted
