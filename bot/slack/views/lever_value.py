"""The fields of a lever's preview: its value, the part of the traffic, how long, and the pin it takes the place of."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bot.incident.choices import UNITS, Choices
from bot.incident.control_values import figure_of
from bot.incident.kinds import LEVERS, MitigationKind, Value
from bot.incident.mitigation import Mitigation, Scope
from bot.incident.quantities import in_minutes
from bot.slack.blocks import Block, Option, checkboxes, select, text_input
from bot.slack.text import plain_untrusted
from bot.slack.views.reading import choice_of, choices_of, field_name, text_of

VALUE, NAMED, SCOPE, MINUTES, SUPERSEDES = "value", "value_named", "scope", "minutes", "supersedes"
SCOPE_TYPED: Final = "scope_typed"
MOST_SCOPE: Final = 600  # characters
LONGEST_NAME = 150  # characters of an option's value
MOST_BOXES = 10
BY_NAME = frozenset({MitigationKind.MODEL_PIN, MitigationKind.PROMPT_PIN, MitigationKind.DISABLE_TOOLS})
MINUTES_WORDS: Final[Mapping[int, str]] = {15: "15 min", 30: "30 min", 60: "60 min", 240: "4 h", 1440: "24 h"}
EVERYTHING: Final = "all"
KEEP: Final = "no"


def value_fields(kind: MitigationKind, known: Choices, shown: Value | None) -> list[Block]:
    """The fields for the value, called by the kind so that another lever's answer is not taken for it."""
    if LEVERS[kind].is_switch:
        return []
    label = f"{UNITS[kind][:1].upper()}{UNITS[kind][1:]}"
    offered = [one for one in known.values(kind, shown) if len(figure_of(one)) <= LONGEST_NAME]
    hint = "Another value shows its own preview first." if shown is not None else ""
    fields: list[Block] = []
    if kind is MitigationKind.DISABLE_TOOLS and offered:
        boxes = [(figure_of(one), plain_untrusted(figure_of(one), 75)) for one in offered[:MOST_BOXES]]
        untouched = f" (none ticked: {plain_untrusted(figure_of(shown), 200)})" if shown is not None else ""
        fields.append(checkboxes(f"{VALUE}:{kind.value}", f"{label}{untouched}", boxes, hint=hint))
    elif offered:
        options = [(figure_of(one), plain_untrusted(figure_of(one), 75)) for one in offered]
        initial = figure_of(shown) if shown is not None else None
        placeholder = plain_untrusted(initial or "Choose", 150)
        fields.append(
            select(
                f"{VALUE}:{kind.value}",
                label,
                options,
                initial=initial,
                placeholder=placeholder,
                hint=hint,
                optional=kind in BY_NAME,
            )
        )
    if kind in BY_NAME:
        what = "Others, with commas between them" if kind is MitigationKind.DISABLE_TOOLS else "Or another one by name"
        fields.append(text_input(f"{NAMED}:{kind.value}", what, optional=True, limit=600))
    return fields


def read_value(view: Mapping[str, Any], kind: MitigationKind, shown: object) -> object:
    """The value as typed or chosen; untouched, the one that was shown."""
    if LEVERS[kind].is_switch:
        return None
    named = text_of(view, field_name(view, NAMED)) if kind in BY_NAME else ""
    if kind is MitigationKind.DISABLE_TOOLS:
        ticked = sorted(choices_of(view, field_name(view, VALUE)))
        given = [*ticked, *(name.strip() for name in named.split(",") if name.strip())]
        return given or shown
    return named or choice_of(view, VALUE) or shown


def scope_fields(known: Choices, scope: Scope) -> list[Block]:
    """One of the known parts of the traffic, or all of it; and any combination, typed."""
    fields: list[Block] = []
    if known.scopes:
        options: list[Option] = [(EVERYTHING, "All of its traffic")]
        options += [(str(at), plain_untrusted(f"Only {one.in_words}", 75)) for at, one in enumerate(known.scopes)]
        initial = str(known.scopes.index(scope)) if scope in known.scopes else EVERYTHING
        fields.append(select(SCOPE, "For which traffic?", options, initial=initial, placeholder=dict(options)[initial]))
    typed = text_input(
        SCOPE_TYPED,
        "Or a part in your words" if fields else "Only for a part of its traffic",
        placeholder="tenant=acme, version=2.3",
        hint="Any of environment, tenant, channel, version. Another part shows its own preview first.",
        optional=True,
        limit=MOST_SCOPE,
    )
    return [*fields, typed]


def minutes_field(minutes: int) -> Block:
    """For how long."""
    words = {**MINUTES_WORDS, minutes: MINUTES_WORDS.get(minutes, in_minutes(minutes))}
    options = [(str(one), words[one]) for one in sorted(words)]
    return select(MINUTES, "For how long?", options, initial=str(minutes), placeholder=words[minutes])


def supersedes_field(pins: Sequence[Mitigation], chosen: str) -> list[Block]:
    """Pins in force where this one would be: no version is safer than another, so somebody decides."""
    if not pins:
        return []
    keep = "No: leave it in force"
    options: list[Option] = [(KEEP, keep)]
    options += [(pin.id, plain_untrusted(f"Yes: supersede {pin.label} ({pin.incident})", 75)) for pin in pins]
    initial = chosen if chosen in {pin.id for pin in pins} else KEEP
    placeholder = dict(options)[initial]
    label = "Take the place of what is pinned now?"
    return [select(SUPERSEDES, label, options, initial=initial, placeholder=placeholder)]
