"""Refusals as problem details (RFC 9457), without the framework that the API is built with."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

MEDIA_TYPE = "application/problem+json"
TITLES = {401: "Unauthorized", 403: "Forbidden"}


def problem(status: int, title: str, detail: str, headers: Mapping[str, str] | None = None, **more: Any) -> Response:
    """One problem. ``type`` names the kind for programs, ``detail`` is the sentence for people."""
    kind = "urn:firstfive:" + title.lower().replace(" ", "-")
    body = {"type": kind, "title": title, "status": status, "detail": detail, **more}
    return Response(json.dumps(body, ensure_ascii=False), status, headers, MEDIA_TYPE)


def refused_as_problem(status: int, detail: str, headers: Mapping[str, str] | None = None) -> Response:
    """A refusal before the API was reached."""
    return problem(status, TITLES.get(status, "Refused"), detail, headers)
