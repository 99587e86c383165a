"""The ASGI application: hot routes first, the JSON API built only when somebody asks for it."""

from starlette.applications import Starlette
from starlette.routing import BaseRoute
from starlette.types import ASGIApp

from bot.web.ofrep import OfrepRoutes
from bot.web.operations import OperationsRoutes
from bot.web.otlp import OtlpRoutes
from bot.web.parts import Parts
from bot.web.slack import SlackRoutes


def build(parts: Parts) -> ASGIApp:
    """The application that serves everything of ours on one port."""
    routes: list[BaseRoute] = []
    if parts.slack is not None:
        routes += SlackRoutes(parts.slack).routes()
    if parts.telemetry is not None:
        routes += OtlpRoutes(parts.telemetry, parts.tokens.telemetry).routes()
    routes += OfrepRoutes(parts.control, parts.catalogue, parts.clock, parts.tokens.control).routes()
    routes += OperationsRoutes(parts.ready, parts.metrics).routes()
    return Starlette(routes=routes)
