"""Errors of the API as problem details (RFC 9457)."""

import math
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from bot.incident.errors import (
    BadInput,
    Closed,
    Conflict,
    Contraindicated,
    FirstfiveError,
    KeyReused,
    Locked,
    NeedsSecondPerson,
    NotAllowed,
    NotFound,
    Refused,
    Stale,
    Unavailable,
    Uncertain,
    Unsupported,
)
from bot.web.refusals import problem

STATUSES: tuple[tuple[type[FirstfiveError], int, str], ...] = (
    (NotFound, 404, "Not found"),
    (BadInput, 422, "A field cannot be used"),
    (Closed, 409, "Closed"),
    (Conflict, 409, "Conflict"),
    (Stale, 412, "It has changed"),
    (KeyReused, 422, "Idempotency key reused"),
    (NotAllowed, 403, "Not allowed"),
    (Unsupported, 422, "Not supported"),
    (Contraindicated, 409, "Contraindicated"),
    (Locked, 409, "Locked"),
    (NeedsSecondPerson, 409, "Needs a second person"),
    (Refused, 409, "Refused"),
    (Unavailable, 503, "Unavailable"),
    (Uncertain, 502, "Uncertain"),
    (FirstfiveError, 500, "Failed"),
)


async def told(request: Request, error: Exception) -> Response:
    """The problem for one of our own errors."""
    del request
    for kind, status, title in STATUSES:
        if isinstance(error, kind):
            more = {"field": error.field} if isinstance(error, BadInput) else {}
            more |= {"conflicts_with": error.with_id} if isinstance(error, Conflict) else {}
            wait = math.ceil(error.retry_after.total_seconds()) if isinstance(error, Unavailable) else None
            return problem(status, title, str(error), {"Retry-After": str(max(1, wait))} if wait else None, **more)
    raise error


async def unreadable(request: Request, error: Exception) -> Response:
    """The problem for a request whose parts do not fit the description."""
    del request
    if not isinstance(error, RequestValidationError):
        raise error
    found = [_mistake(item) for item in error.errors()]
    sentence = "; ".join(f"{item['field']}: {item['detail']}" for item in found[:3]) + "."
    return problem(422, "A field cannot be used", sentence, errors=found)


def _mistake(item: Mapping[str, Any]) -> dict[str, str]:
    where = "body" if item["type"] == "json_invalid" else ".".join(str(part) for part in item["loc"][1:])
    said = _PLAINLY.get(item["type"]) or str(item["msg"]).removeprefix("Value error, ")
    return {"field": where or str(item["loc"][0]), "detail": said}


_PLAINLY = {
    "json_invalid": "It is not JSON",
    "model_attributes_type": "Send a JSON object",
    "dict_type": "Send a JSON object",
}


async def plain(request: Request, error: Exception) -> Response:
    """The problem for an HTTP error of the framework."""
    del request
    if not isinstance(error, HTTPException):
        raise error
    title = {404: "Not found", 405: "Method not allowed"}.get(error.status_code, "Failed")
    return problem(error.status_code, title, f"{error.detail}.", dict(error.headers or {}))


async def failed(request: Request, error: Exception) -> Response:
    """The problem for a mistake of ours; the details are in the log and nowhere else."""
    del request, error
    return problem(500, "Failed", "Something went wrong here; the log says what. Nothing more was done.")


def install(app: FastAPI) -> None:
    """Make ``app`` answer every error this way."""
    app.add_exception_handler(FirstfiveError, told)
    app.add_exception_handler(RequestValidationError, unreadable)
    app.add_exception_handler(HTTPException, plain)
    app.add_exception_handler(Exception, failed)
