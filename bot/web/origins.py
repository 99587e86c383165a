"""Browsers on other origins: which pages may read what agents have to obey.

Cross-Origin Resource Sharing (https://fetch.spec.whatwg.org/#http-cors-protocol) for OFREP's routes alone; the API,
the pages, telemetry and heartbeats stay shut to other origins.
"""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.web.plain import target_of

OPEN = "/ofrep/"
PREFLIGHT_SECONDS = 600


class OtherOrigins:
    """Answers preflights and marks answers for pages of ``origins``; every other page is told nothing it could read."""

    def __init__(self, app: ASGIApp, origins: Sequence[str]) -> None:
        self._app = app
        self._shared = CORSMiddleware(
            app,
            allow_origins=origins,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", "If-None-Match", "X-API-Key"),
            expose_headers=("ETag", "Retry-After"),
            max_age=PREFLIGHT_SECONDS,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        app = self._app if target_of(scope, OPEN) is None else self._shared
        await app(scope, receive, send)
