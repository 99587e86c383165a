"""Role: who commands, who writes, who informs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from bot.incident.model import Role
from bot.incident.state import IncidentState
from bot.slack.blocks import OPTIONS_LIMIT, Block, View, context, modal, select, text_input
from bot.slack.text import plain_untrusted, who
from bot.slack.views.loading import loading
from bot.slack.views.reading import InputErrors, choice_of, key_of, text_of

CALLBACK: Final = "role"
ROLE, PERSON, PERSON_ID = "role", "person", "person_id"
ME: Final = "me"
ID_CHARACTERS = 100

ROLE_WORDS: Final[Mapping[Role, str]] = {
    Role.COMMANDER: "Commander: decides what happens next",
    Role.SCRIBE: "Scribe: keeps notes and times",
    Role.COMMUNICATIONS: "Communications: informs those who wait",
}


@dataclass(frozen=True, slots=True)
class PersonChoice:
    """Somebody to choose."""

    id: str
    name: str


@dataclass(frozen=True, slots=True)
class RoleForm:
    """Who takes which role. ``person_id`` is None when it is the one who submits."""

    key: str
    role: Role
    person_id: str | None


def skeleton(key: str) -> View:
    """The dialog until it is there."""
    return loading(CALLBACK, f"Roles of {key}", key)


def dialog(state: IncidentState, people: Sequence[PersonChoice] = (), role: Role | None = None) -> View:
    """Role and person; untouched, the person who submits becomes commander."""
    key = state.incident.key
    held = " · ".join(f"{one.value}: {who(person)}" for one, person in state.roles.items())
    usable = [one for one in people if one.id and len(one.id) <= ID_CHARACTERS]
    options = [(ME, "I take it"), *((one.id, plain_untrusted(one.name, 75) or one.id) for one in usable)]
    wanted = role or Role.COMMANDER
    blocks: list[Block] = [
        context(f"Now: {held}" if held else "No role is taken yet."),
        select(
            ROLE,
            "Which role?",
            [(one.value, words) for one, words in ROLE_WORDS.items()],
            initial=wanted.value,
            placeholder=ROLE_WORDS[wanted],
        ),
        select(PERSON, "Who?", options[:OPTIONS_LIMIT], initial=ME, placeholder="I take it"),
        text_input(
            PERSON_ID,
            "Or a user ID",
            placeholder="U012AB3CD",
            hint="For somebody who is not in the list.",
            optional=True,
            limit=ID_CHARACTERS,
        ),
    ]
    return modal(CALLBACK, f"Roles of {key}", blocks, {"k": key, "r": wanted.value}, submit="Set role")


def read(view: Mapping[str, Any]) -> RoleForm | InputErrors:
    """The role and its person, or what is wrong with the typed ID."""
    typed = text_of(view, PERSON_ID).lstrip("@<").rstrip(">")
    if typed and not (typed.replace("_", "").isalnum() and typed.isascii() and typed.isupper()):
        return {PERSON_ID: "A user ID looks like U012AB3CD. Slack shows it in the person's profile under More."}
    chosen = choice_of(view, PERSON)
    role = choice_of(view, ROLE)
    person = typed or (chosen if chosen and chosen != ME else None)
    return RoleForm(key_of(view), Role(role) if role in set(Role) else Role.COMMANDER, person)
