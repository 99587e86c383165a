"""Dataclasses to JSON values and back, by their type hints.

Timeline events and frozen evidence are stored as JSON. Unknown fields are ignored and
missing ones take their default, so that old records stay readable. A class with a
``from_stored`` of its own turns what older versions wrote into today's fields.
"""

import types
import typing
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import datetime
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from bot.incident.names import Name

T = TypeVar("T")


def encode(value: object) -> Any:
    """A JSON value for ``value``: dataclasses become objects, tuples lists, datetimes ISO 8601 text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {f.name: encode(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Enum | Name):
        return value.value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): encode(item) for key, item in value.items()}
    if isinstance(value, tuple | list | set | frozenset):
        return [encode(item) for item in value]
    return value


def decode(target: type[T], value: object) -> T:
    """The ``target`` dataclass that ``value`` (from :func:`encode`) describes.

    Raises:
        ValueError: a required field is missing or a value does not fit its type.
    """
    return typing.cast(T, _decode(target, value))


@cache
def _hints(target: type) -> dict[str, Any]:
    return get_type_hints(target)


def _decode(hint: Any, value: Any) -> Any:
    if hint is Any or hint is object:
        return value
    origin = get_origin(hint)
    if origin in {Union, types.UnionType}:
        return _decode_union(get_args(hint), value)
    if origin is tuple:
        return tuple(_decode(get_args(hint)[0], item) for item in value)
    if origin in {dict, Mapping}:
        return {key: _decode(get_args(hint)[1], item) for key, item in value.items()}
    if hasattr(hint, "__supertype__"):
        return _decode(hint.__supertype__, value)
    return _decode_plain(hint, value)


def _decode_plain(hint: Any, value: Any) -> Any:
    if is_dataclass(hint):
        return _decode_fields(typing.cast(type, hint), value)
    if isinstance(hint, type) and issubclass(hint, Enum | Name):
        return hint(value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if hint is float and isinstance(value, int):
        return float(value)
    return value


def _decode_union(options: tuple[Any, ...], value: Any) -> Any:
    if value is None and type(None) in options:
        return None
    present = [option for option in options if option is not type(None)]
    if len(present) == 1:
        return _decode(present[0], value)
    if isinstance(value, list):
        return _decode(next(option for option in present if get_origin(option) is tuple), value)
    return value


def _decode_fields(target: type, value: Any) -> Any:
    hints = _hints(target)
    if (older := getattr(target, "from_stored", None)) is not None:
        value = older(value)
    known = {}
    for f in fields(target):
        if f.name in value:
            known[f.name] = _decode(hints[f.name], value[f.name])
        elif f.default is MISSING and f.default_factory is MISSING:
            raise ValueError(f"{target.__name__} lacks {f.name}")
    return target(**known)
