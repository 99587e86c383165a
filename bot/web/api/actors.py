"""Who acts through the API, and which click it is."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fastapi import Request

from bot.incident.model import Person
from bot.ports import Ids

MOST_CHARACTERS = 80
LONGEST_KEY = 200


@dataclass(frozen=True, slots=True)
class Acting:
    """A person and the idempotency key of their request."""

    by: Person
    idem: str


def named(name: str) -> Person:
    """The person of that name; API callers are kept apart from chat users by their id."""
    kept = " ".join(name.split())[:MOST_CHARACTERS] or "token"
    return Person(f"api:{kept}", kept if kept != "token" else "API")


def _as_sent(header: str) -> str:
    """Headers are read as Latin-1, and terminals send UTF-8; a name that was both would be two people."""
    try:
        return header.encode("latin-1").decode()
    except UnicodeDecodeError:
        return header


def key_in(headers: Mapping[str, str]) -> str:
    """The idempotency key, with or without the quotes of a structured field; empty when there is none."""
    key = headers.get("idempotency-key", "").strip()
    return key[1:-1] if len(key) > 1 and key[0] == key[-1] == '"' else key


def acting(ids: Ids) -> Callable[[Request], Acting]:
    """Reads who acts: ``Firstfive-Actor`` names them. ``Idempotency-Key`` makes a repeated request happen once."""

    def read(request: Request) -> Acting:
        by = named(_as_sent(request.headers.get("firstfive-actor", "")))
        return Acting(by, f"api:{key_in(request.headers) or ids.new()}")

    return read
