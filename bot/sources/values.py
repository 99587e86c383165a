"""Reading foreign attribute values: any type, any length, any text may come."""

import json
from collections.abc import Mapping, Sequence
from hashlib import sha256

PREVIEW = 300  # characters
MOST_WORD = 200  # characters of a name, an id or a label; these are searched and indexed

Values = Mapping[str, object]


def first(values: Values, candidates: Sequence[str]) -> object | None:
    """The first of the candidates that is present and not empty."""
    return next((found for name in candidates if (found := values.get(name)) is not None and found != ""), None)


def text(values: Values, candidates: Sequence[str]) -> str | None:
    """As :func:`first`, as text of any length; what is structured becomes JSON."""
    found = first(values, candidates)
    return None if found is None else found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def word(values: Values, candidates: Sequence[str]) -> str | None:
    """As :func:`text`, at most 200 characters and without NUL, which PostgreSQL cannot hold."""
    found = text(values, candidates)
    return None if found is None else found[:MOST_WORD].replace("\0", "") or None


def number(values: Values, candidates: Sequence[str]) -> float | None:
    """As :func:`first`, as a number; None where it is none."""
    found = first(values, candidates)
    if isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        value = float(found)
    except (ValueError, OverflowError):
        return None
    return value if abs(value) < float("inf") else None


def whole(values: Values, candidates: Sequence[str]) -> int | None:
    """As :func:`number`, as a whole number."""
    found = number(values, candidates)
    return None if found is None else int(found)


def truth(values: Values, candidates: Sequence[str]) -> bool:
    """As :func:`first`, as yes or no; absent is no."""
    found = first(values, candidates)
    return found is True or (isinstance(found, str) and found.lower() == "true")


def fingerprint(content: str | None) -> str | None:
    """First 16 hex digits of the SHA-256 of the canonical JSON, or of the raw text where it is none."""
    if content is None:
        return None
    try:
        canonical = json.dumps(json.loads(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        canonical = content
    return sha256(canonical.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def preview(content: str | None) -> str:
    """The beginning of a text, at most 300 characters."""
    if not content:
        return ""
    return content if len(content) <= PREVIEW else content[: PREVIEW - 1] + "…"


def capped(value: object, most: int) -> object:
    """The value, or, where it is longer than ``most`` characters, the beginning of its text."""
    if isinstance(value, str):
        return value[:most]
    if isinstance(value, list | dict):
        written = json.dumps(value, ensure_ascii=False)
        return value if len(written) <= most else written[:most]
    return value
