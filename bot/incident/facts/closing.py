"""Facts of the end: resolved, what is to be done afterwards, the postmortem drafted, written and accepted."""

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Resolved:
    """Harm has ended. ``recovery`` says what telemetry shows; ``kept`` names controls that stay on."""

    summary: str
    recovery: tuple[str, ...]
    kept: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PostmortemDrafted:
    """The draft was rendered and posted, with this many gaps left for people."""

    open_todos: int


@dataclass(frozen=True, slots=True)
class ReviewWritten:
    """People filled a section of the postmortem; the last text counts."""

    section: str
    text: str


@dataclass(frozen=True, slots=True)
class Reviewed:
    """The postmortem was read and accepted."""

    comment: str


@dataclass(frozen=True, slots=True)
class ActionAdded:
    """Something to be done after the incident, for the postmortem."""

    text: str


ClosingFact: TypeAlias = Resolved | PostmortemDrafted | ReviewWritten | Reviewed | ActionAdded
