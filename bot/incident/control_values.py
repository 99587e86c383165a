"""Values of controls: in words, which of several is the safest, and as agents read them under a flag key."""

from collections.abc import Iterable, Mapping, Sequence
from typing import assert_never

from bot.incident.kinds import HANDOFFS, LEVERS, Joining, MitigationKind, Value


def figure_of(value: Value) -> str:
    """A value as people read it: ``5``, ``0.5``, ``search_kb, reset_password``."""
    if isinstance(value, tuple):
        return ", ".join(value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def in_words(kind: MitigationKind, value: Value) -> str:
    """One control in words: ``halted``, ``turn limit 5``."""
    return LEVERS[kind].phrase.format(figure_of(value))


def label_of(kind: MitigationKind, value: Value) -> str:
    """The name of a lever with its figure: ``Turn limit 5``."""
    lever = LEVERS[kind]
    said = lever.label if lever.is_switch else in_words(kind, value)
    return said[:1].upper() + said[1:]


def joined(kind: MitigationKind, values: Sequence[Value]) -> Value | None:
    """The safest of these values; None when there is none. Where none is safer, the last one."""
    if not values:
        return None
    match LEVERS[kind].joining:
        case Joining.ANY:
            return any(value is True for value in values)
        case Joining.LEAST:
            return min(_numbers(values))
        case Joining.MOST:
            return max(_numbers(values))
        case Joining.UNION:
            return tuple(sorted({name for value in values if isinstance(value, tuple) for name in value}))
        case Joining.WIDEST:
            return max((str(value) for value in values), key=HANDOFFS.index)
        case Joining.ALONE:
            return values[-1]
        case other:
            assert_never(other)


def at_least_as_safe(kind: MitigationKind, one: Value | None, other: Value | None) -> bool:
    """``one`` asks for as much as ``other`` or for more; None is a control that is not in force.

    Two different pins are not comparable, so neither is as safe as the other.
    """
    rest = LEVERS[kind].at_rest
    one, other = rest if one is None else one, rest if other is None else other
    if LEVERS[kind].joining is Joining.ALONE:
        return other in {one, rest}
    return joined(kind, (one, other)) == joined(kind, (one,))


def _numbers(values: Iterable[Value]) -> list[int | float]:
    return [value for value in values if isinstance(value, int | float)]


def to_flag(kind: MitigationKind, value: Value) -> object:
    """The value as agents read it under its flag key: JSON, tools as ``{"tools": [...]}``."""
    if isinstance(value, tuple):
        return {"tools": list(value)}
    return value if LEVERS[kind].is_whole or not LEVERS[kind].is_number else float(value)


def from_flag(kind: MitigationKind, raw: object) -> Value | None:
    """What was read under a flag key, as a value of that kind; None when it is none."""
    lever = LEVERS[kind]
    if lever.joining is Joining.UNION:
        names = raw.get("tools") if isinstance(raw, Mapping) else None
        return tuple(sorted(str(name) for name in names)) if isinstance(names, list) else None
    if lever.is_switch:
        return raw if isinstance(raw, bool) else None
    if lever.is_number:
        return raw if isinstance(raw, int | float) and not isinstance(raw, bool) else None
    return raw if isinstance(raw, str) else None
