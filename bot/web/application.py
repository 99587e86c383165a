"""The ASGI application: hot routes first; pages and the JSON API are built only when somebody asks for them."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount
from starlette.types import ASGIApp

from bot.web.changes import ChangeHook
from bot.web.control_reads import ControlReads
from bot.web.controls import ControlsFirst
from bot.web.guards import Guards
from bot.web.lazy import Lazy
from bot.web.ofrep import OfrepFirst
from bot.web.operations import OperationsRoutes
from bot.web.origins import OtherOrigins
from bot.web.otlp import OtlpRoutes
from bot.web.parts import Parts
from bot.web.refusals import refused_as_problem
from bot.web.slack import SlackFirst
from bot.web.tokens import CHALLENGE, admits


def build(parts: Parts) -> ASGIApp:
    """The application that serves everything of ours on one port."""
    routes: list[BaseRoute] = []
    if parts.telemetry is not None:
        routes += OtlpRoutes(parts.telemetry, parts.tokens.telemetry).routes()
    routes += OperationsRoutes(parts.ready, parts.metrics).routes()
    if parts.announcements is not None:
        hook = ChangeHook(parts.announcements, parts.clock, parts.ids)
        routes.append(Mount("/hooks", Guards(hook.app(), _with_token(parts.tokens.api), refused_as_problem)))
    routes.append(Mount("/api", Guards(Lazy(lambda: _api(parts)), _with_token(parts.tokens.api), refused_as_problem)))
    routes.append(Mount("/", Lazy(lambda: _pages(parts))))
    app: ASGIApp = Starlette(routes=routes)
    reads = ControlReads(parts.control, parts.catalogue, parts.clock, parts.tokens.control)
    app = OfrepFirst(reads, ControlsFirst(reads, app))  # the hottest is asked first
    if parts.browser_origins:
        app = OtherOrigins(app, parts.browser_origins)
    return SlackFirst(parts.slack, app) if parts.slack is not None else app


def _api(parts: Parts) -> ASGIApp:
    from bot.web.api.application import build_api  # noqa: PLC0415  FastAPI costs a third of a second of start-up

    return build_api(parts)


def _pages(parts: Parts) -> ASGIApp:
    from bot.web.pages.application import build_pages  # noqa: PLC0415  templates are not needed to be ready

    return build_pages(parts)


def _with_token(token: str | None) -> Callable[[Request], Response | None]:
    def door(request: Request) -> Response | None:
        if admits(request, token):
            return None
        return refused_as_problem(401, "Send the API token as a bearer token.", CHALLENGE)

    return door
