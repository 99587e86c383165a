"""Bearer tokens. An unset token means open, which the settings allow on loopback only."""

import hashlib
import hmac
from base64 import b64decode
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar

from starlette.requests import HTTPConnection

T = TypeVar("T")

CHALLENGE = {"WWW-Authenticate": 'Bearer realm="firstfive"'}


@dataclass(frozen=True, slots=True, repr=False)
class Tokens:
    """The three doors and their keys, None or empty for an open one: the JSON API with the pages, telemetry in, controls out."""

    api: str | None = None
    telemetry: str | None = None
    control: str | None = None


def same(given: str, wanted: str) -> bool:
    """Both are equal; takes equally long wherever they differ."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def bearer(connection: HTTPConnection) -> str:
    """The bearer token of the request, or an empty string."""
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def password(connection: HTTPConnection) -> str:
    """The password of the request's Basic authentication, or an empty string."""
    scheme, _, pair = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        return b64decode(pair.strip(), validate=True).decode().partition(":")[2]
    except ValueError:
        return ""


def admits(connection: HTTPConnection, token: str | None) -> bool:
    """The request carries ``token`` as a bearer token, or none is asked for."""
    return not token or same(bearer(connection), token)


def held(connection: HTTPConnection, keys: Iterable[tuple[str, T]]) -> T | None:
    """What the request's bearer token opens among ``keys`` (token, what it opens), or None.

    All are compared, so that the time says nothing about which one was close.
    """
    given = bearer(connection)
    found = None
    for token, opens in keys:
        if same(given, token):
            found = opens
    return found


def admits_key(connection: HTTPConnection, token: str | None) -> bool:
    """As :func:`admits`; the token may also come as ``X-API-Key``, which OFREP knows."""
    return not token or admits(connection, token) or same(connection.headers.get("x-api-key", ""), token)


def pass_for(token: str, *purpose: str) -> str:
    """A token derived from ``token`` that is good for one purpose only and does not reveal it."""
    return hmac.new(token.encode(), "\n".join(("firstfive", *purpose)).encode(), hashlib.sha256).hexdigest()
