"""``/hooks/changes``: pipelines tell us of deploys, flags, prompts, tools and indexes they have changed."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.incident.errors import BadInput, Unavailable
from bot.incident.evidence import ANNOUNCED, Change
from bot.ports import Announcements, Clock, Ids
from bot.web.bodies import TooLargeError, whole
from bot.web.moments import EPOCH, moment_in
from bot.web.refusals import problem

KINDS: Final = {kind.value: kind for kind in ANNOUNCED}
FIELDS: Final = ("kind", "agent", "environment", "before", "after", "at", "key")
MOST_BYTES = 64 * 1024
MOST_CHARACTERS = 200
AHEAD = timedelta(minutes=5)  # by which clocks may differ


@dataclass(frozen=True, slots=True)
class Announced:
    """One change as a pipeline tells it."""

    agent: str
    environment: str
    change: Change
    key: str


@dataclass(frozen=True, slots=True)
class ChangeHook:
    """Takes announcements and keeps them; the same one twice is kept once."""

    announcements: Announcements
    clock: Clock
    ids: Ids

    def app(self) -> Starlette:
        """The application to be mounted at ``/hooks``."""
        return Starlette(
            routes=[Route("/changes", self.take, methods=["POST"])],
            exception_handlers={BadInput: _wrong, Unavailable: _away, HTTPException: _elsewhere},
        )

    async def take(self, request: Request) -> Response:
        """202 with the key once it is kept."""
        said = announced(await _object(request), self.clock.now(), self.ids)
        await self.announcements.announce(said.agent, said.environment, said.change, said.key)
        return JSONResponse({"key": said.key}, 202)


def announced(body: Mapping[str, object], now: datetime, ids: Ids) -> Announced:
    """The change that ``body`` tells of, at ``now`` where it names no moment.

    Raises:
        BadInput: a field is missing, unknown or not to be used; one sentence says which and what to write.
    """
    unknown = next((name for name in body if name not in FIELDS), None)
    if unknown is not None:
        raise BadInput(unknown[:40], f"There is no field {unknown[:40]!r}; the fields are {', '.join(FIELDS)}.")
    kind = KINDS.get(_text(body, "kind"))
    if kind is None:
        raise BadInput("kind", f"Say what has changed: kind is one of {', '.join(KINDS)}.")
    after = _text(body, "after")
    if not after:
        raise BadInput("after", "Say what it changed to: after is the new version, value or name.")
    at = moment_in(_text(body, "at")) or now
    if at > now + AHEAD:
        raise BadInput("at", "This moment lies in the future; announce a change once it is made.")
    change = Change(kind, _text(body, "before") or None, after, (at - EPOCH) // timedelta(microseconds=1) * 1000, 0, 0)
    agent, environment = _text(body, "agent"), _text(body, "environment")
    key = _text(body, "key") or (_digest(agent, environment, change) if body.get("at") else ids.new())
    return Announced(agent, environment, change, key)


def _digest(agent: str, environment: str, change: Change) -> str:
    """The same change of the same moment has the same key, so that a repeated request is kept once."""
    parts = [agent, environment, change.kind.value, change.before, change.after, change.first_seen_ns]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _text(body: Mapping[str, object], name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise BadInput(name, f"The field {name} is a text.")
    text = " ".join(str(value).split())
    if len(text) > MOST_CHARACTERS or not text.isprintable():
        raise BadInput(name, f"The field {name} has at most {MOST_CHARACTERS} printable characters.")
    return text


async def _object(request: Request) -> Mapping[str, object]:
    try:
        body = json.loads(await whole(request, MOST_BYTES))
    except TooLargeError as error:
        raise BadInput("body", "The body is larger than 64 KiB; a change fits in a few hundred bytes.") from error
    except (ValueError, RecursionError) as error:
        raise BadInput(
            "body", 'The body is no JSON; send an object like {"kind": "deploy", "after": "v42"}.'
        ) from error
    if not isinstance(body, dict):
        raise BadInput("body", 'The body is no JSON object; send one like {"kind": "deploy", "after": "v42"}.')
    return body


async def _wrong(request: Request, error: Exception) -> Response:
    del request
    field = error.field if isinstance(error, BadInput) else ""
    return problem(422, "A field cannot be used", str(error), field=field)


async def _away(request: Request, error: Exception) -> Response:
    del request
    return problem(503, "Unavailable", str(error), {"Retry-After": "2"})


async def _elsewhere(request: Request, error: Exception) -> Response:
    del request
    status = error.status_code if isinstance(error, HTTPException) else 500
    sentence = {404: "Changes are announced at /hooks/changes.", 405: "Send it with POST."}.get(status, f"{error}.")
    return problem(status, "Not found" if status == 404 else "Refused", sentence)  # noqa: PLR2004
