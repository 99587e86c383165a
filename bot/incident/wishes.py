"""What somebody typed as the value of a control: checked, and refused with the range that would do."""

import math
import re
from collections.abc import Sequence
from typing import assert_never

from bot.incident.errors import BadInput
from bot.incident.kinds import HANDOFFS, LEVERS, Joining, Lever, MitigationKind, Value
from bot.incident.mitigation import DIMENSIONS, Scope

MOST_TOOLS = 50
MOST_CHARACTERS = 200
MOST_OF_A_REASON = 2000  # characters; it is shown in a message and kept in the audit for good
FIELD = "value"


def value_of(kind: MitigationKind, raw: object) -> Value:
    """The value of a new mitigation of that kind, from JSON, a form or the command line.

    Text is read as what the kind needs: ``"5"`` is 5, ``"a, b"`` two tools. A switch takes nothing, or true.

    Raises:
        BadInput: the value cannot be used; the sentence says which would do.
    """
    lever = LEVERS[kind]
    match lever.joining:
        case Joining.ANY:
            return _switch(lever, raw)
        case Joining.LEAST | Joining.MOST:
            return _number(lever, raw)
        case Joining.UNION:
            return _names(raw)
        case Joining.WIDEST:
            return _handoff(raw)
        case Joining.ALONE:
            return _name(lever, raw)
        case other:
            assert_never(other)


def scope_of(text: str) -> Scope:
    """The part of the traffic in what somebody typed: ``tenant=acme, version=2.3``; nothing means all of it.

    Raises:
        BadInput: it is written in another way, or names a dimension twice or one that there is not.
    """
    said: dict[str, str] = {}
    for part in filter(None, (one.strip() for one in re.split(r"[,;\n]", text))):
        named, equals, value = (one.strip() for one in part.partition("="))
        name = {"env": "environment"}.get(named.lower(), named.lower())
        if name not in DIMENSIONS or not equals or not value or name in said:
            why = f"{name} is named twice" if name in said else f"{part[:60]!r} cannot be used"
            raise BadInput(
                "scope", f"{why}: write it like tenant=acme, version=2.3, each of {', '.join(DIMENSIONS)} once."
            )
        said[name] = value
    return Scope(**said)


def reason_of(text: str, field: str = "reason") -> str:
    """The reason without surrounding space.

    Raises:
        BadInput: it is too long.
    """
    said = text.strip()
    if len(said) > MOST_OF_A_REASON:
        raise BadInput(
            field,
            f"The {field} has {len(said)} characters; {MOST_OF_A_REASON} fit. Shorten it and put the rest in a note.",
        )
    return said


def _switch(lever: Lever, raw: object) -> bool:
    if raw is None or raw is True or (isinstance(raw, str) and raw.strip().lower() in {"", "on", "true"}):
        return True
    raise BadInput(FIELD, f"{lever.label} is on or off and takes no value; leave it out.")


def _number(lever: Lever, raw: object) -> int | float:
    wanted = "a whole number" if lever.is_whole else "a number"
    name = lever.label.lower()
    sentence = f"Give the {name} as {wanted} from {lever.least:g} to {lever.most:g}."
    number = _read(raw)
    if number is None or not lever.least <= number <= lever.most or (lever.is_whole and number != int(number)):
        raise BadInput(FIELD, sentence)
    return int(number) if lever.is_whole else float(number)


def _read(raw: object) -> float | None:
    if isinstance(raw, bool):
        return None
    if isinstance(raw, str):
        if not re.fullmatch(r"[+-]?\d{1,12}(\.\d{1,6})?", raw.strip(), re.ASCII):
            return None
        return float(raw)
    if isinstance(raw, int):
        return float(raw) if abs(raw) <= 1e12 else None  # noqa: PLR2004  beyond any range, and within a float
    return raw if isinstance(raw, float) and math.isfinite(raw) else None


def _names(raw: object) -> tuple[str, ...]:
    given: Sequence[object]
    if isinstance(raw, str):
        given = raw.split(",")
    elif isinstance(raw, list | tuple | set | frozenset):
        given = list(raw)
    else:
        given = ()
    names = sorted({name.strip() for name in given if isinstance(name, str) and name.strip()})
    odd = len(names) > MOST_TOOLS or any(not _usable(name) for name in names)
    if not names or odd or any(not isinstance(name, str) for name in given):
        raise BadInput(FIELD, f"Name the tools to switch off, 1 to {MOST_TOOLS}, as telemetry names them.")
    return tuple(names)


def _handoff(raw: object) -> str:
    said = raw.strip().lower() if isinstance(raw, str) else ""
    if said not in HANDOFFS[1:]:
        raise BadInput(FIELD, 'Say which tasks people take over: "new" or "all".')
    return said


def _name(lever: Lever, raw: object) -> str:
    said = raw.strip() if isinstance(raw, str) else ""
    if not said or not _usable(said):
        what = "model" if lever.control == "model" else "version of the prompt"
        raise BadInput(FIELD, f"Name the {what} to pin, {MOST_CHARACTERS} characters at most.")
    return said


def _usable(name: str) -> bool:
    return len(name) <= MOST_CHARACTERS and name.isprintable()
