"""Reading foreign attribute values: any type, any length, any text may come."""

import json
import re
from collections.abc import Mapping, Sequence
from hashlib import sha256

import orjson

from bot.sources.redaction import CUT

PREVIEW = 300  # characters
MOST_VALUE = 4096  # characters kept of one attribute
MOST_NAME = 256  # characters of an attribute's name
MOST_WORD = 200  # characters of a name, an id or a label; these are searched and indexed

Values = Mapping[str, object]

_EMPTY = re.compile(r'\s*(\[\s*\]|\{\s*\}|null|none|""|\{\s*"\w+"\s*:\s*\[\s*\]\s*\})?\s*', re.IGNORECASE)


def first(values: Values, candidates: Sequence[str]) -> object | None:
    """The first of the candidates that is present and not empty."""
    for name in candidates:
        found = values.get(name)
        if found is not None and found != "":
            return found
    return None


def text(values: Values, candidates: Sequence[str]) -> str | None:
    """As :func:`first`, as text of any length; what is structured becomes JSON."""
    found = first(values, candidates)
    return None if found is None else found if isinstance(found, str) else as_text(found)


def as_text(found: object) -> str:
    """A value as text; what is structured becomes JSON."""
    return found if isinstance(found, str) else json.dumps(found, ensure_ascii=False)


def sort_of(found: Values, name: str = "type") -> str:
    """What sort of thing something says it is, or whose; empty where that is no word."""
    told = found.get(name)
    return told if isinstance(told, str) else ""


def unpacked(written: str) -> str:
    """JSON within a JSON text, as some write a call's arguments, as the JSON itself."""
    if not written.startswith('"{'):
        return written
    try:
        return str(orjson.loads(written))
    except ValueError:
        return written


def word(values: Values, candidates: Sequence[str]) -> str | None:
    """As :func:`text`, at most 200 characters and without NUL, which PostgreSQL cannot hold.

    Langfuse and MLflow write some texts as JSON; they are read without the quotes.
    """
    found = first(values, candidates)
    if found is None:
        return None
    written = found if isinstance(found, str) else as_text(found)
    if written[0] == '"':
        written = written.strip('"')
    if len(written) > MOST_WORD:
        written = written[:MOST_WORD]
    return (written.replace("\0", "") if "\0" in written else written) or None


def number(values: Values, candidates: Sequence[str]) -> float | None:
    """As :func:`first`, as a number; None where it is none."""
    return as_number(first(values, candidates))


def as_number(found: object) -> float | None:
    """A number that is told as one or as text; None for anything else, infinity too."""
    if found is None or isinstance(found, bool) or not isinstance(found, int | float | str):
        return None
    try:
        value = float(found)
    except (ValueError, OverflowError):
        return None
    return value if abs(value) < float("inf") else None


def whole(values: Values, candidates: Sequence[str]) -> int | None:
    """As :func:`number`, as a whole number."""
    found = first(values, candidates)
    if type(found) is int:
        return found
    value = as_number(found)
    return None if value is None else int(value)


def truth(values: Values, candidates: Sequence[str]) -> bool:
    """As :func:`first`, as yes or no; absent is no."""
    found = first(values, candidates)
    return found is True or (isinstance(found, str) and found.lower() == "true")


def structure(values: Values, candidates: Sequence[str]) -> Mapping[str, object]:
    """As :func:`first`, as an object; one in JSON text is parsed. Empty where it is none."""
    found = first(values, candidates)
    if isinstance(found, str):
        try:
            found = orjson.loads(found)
        except ValueError:
            return {}
    return found if isinstance(found, dict) else {}


def fingerprint(content: str | None) -> str | None:
    """First 16 hex digits of the SHA-256 of the canonical JSON, or of the raw text where it is none.

    Canonical: keys sorted, no spaces, a whole number written as one (1.0 is 1), JSON within a JSON text
    unpacked once. So the order of arguments, their spacing and their escaping do not matter.
    """
    if content is None:
        return None
    canonical = content.encode("utf-8", "surrogatepass")
    if content[:1] in _JSON_BEGINS:
        try:
            found = orjson.loads(canonical)
            if isinstance(found, str) and found[:1] in {"{", "["}:
                found = orjson.loads(found)
            plain = _plain(found) if "." in content or "e" in content else found  # else there is no fraction in it
            canonical = orjson.dumps(plain, option=orjson.OPT_SORT_KEYS)
        except (ValueError, TypeError, RecursionError):
            canonical = _canonical_anyway(content)
    return sha256(canonical).hexdigest()[:16]


_JSON_BEGINS = frozenset('{["-0123456789tfn \t\r\n')


def _canonical_anyway(content: str) -> bytes:
    """As above for what is JSON only to a more generous reader: numbers beyond 64 bits, NaN."""
    try:
        written = json.dumps(json.loads(content), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    except (ValueError, RecursionError):
        written = content
    return written.encode("utf-8", "surrogatepass")


def _plain(found: object) -> object:
    """Whole numbers that are written with a fraction of zero become whole."""
    if isinstance(found, float):
        return int(found) if found.is_integer() and abs(found) < 2**53 else found
    if isinstance(found, dict):
        return {name: _plain(value) for name, value in found.items()}
    return [_plain(item) for item in found] if isinstance(found, list) else found


def is_empty(result: str) -> bool:
    """A tool's answer with nothing in it: no text, null, an empty list or object, or one empty list in an object."""
    return len(result) < MOST_WORD and _EMPTY.fullmatch(result) is not None


def capped(value: object, most: int) -> object:
    """The value, or, where it is longer than ``most`` characters, the beginning of its text with a mark."""
    if isinstance(value, str):
        return value if len(value) <= most else value[: most - len(CUT)] + CUT
    if isinstance(value, list | dict):
        written = json.dumps(value, ensure_ascii=False)
        return value if len(written) <= most else written[: most - len(CUT)] + CUT
    return value
