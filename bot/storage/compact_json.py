"""JSON as it is stored: without spaces, characters as they are. The hot paths write and read it by the ten thousand."""

import json
from typing import Any

import orjson


def written(value: object) -> str:
    """The value as JSON text; what is no number becomes null."""
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a whole number beyond 64 bits, or half a surrogate pair
        return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def parsed(text: str) -> Any:
    """The value in a JSON text."""
    try:
        return orjson.loads(text)
    except ValueError:  # written by an earlier version with NaN, or with half a surrogate pair
        return json.loads(text)
