"""The pages as one application."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp

from bot.incident.errors import BadInput, FirstfiveError, NotFound, Unavailable
from bot.web.guards import Guards
from bot.web.pages.agents import AgentPages
from bot.web.pages.bundle import VegaBundle
from bot.web.pages.classify import PRIVATE, ClassifyPages
from bot.web.pages.incidents import IncidentPages
from bot.web.pages.latest import Latest
from bot.web.pages.levers import LeverPages
from bot.web.pages.remediation import RemediationPages
from bot.web.pages.rendering import STATIC, Rendering, rendering
from bot.web.pages.runbooks import RunbookPages
from bot.web.pages.sign_in import SignIn
from bot.web.pages.snapshots import SnapshotPages
from bot.web.pages.traces import TracePages
from bot.web.parts import Parts


def build_pages(parts: Parts) -> ASGIApp:
    """The pages behind their guards."""
    rendered = rendering()
    latest = Latest(parts.verbs.suggest, parts.clock)
    sign_in = SignIn(parts.tokens.api, rendered, PRIVATE)
    app = Starlette(
        routes=[
            *IncidentPages(parts, rendered, latest).routes(),
            *ClassifyPages(parts, rendered).routes(),
            *RemediationPages(parts, rendered).routes(),
            *LeverPages(parts, rendered).routes(),
            *SnapshotPages(parts, rendered).routes(),
            *RunbookPages(parts, rendered).routes(),
            *AgentPages(parts, rendered, latest).routes(),
            *TracePages(parts, rendered, latest).routes(),
            *sign_in.routes(),
            Route("/static/vega-bundle.js", VegaBundle(parts.cache).script),
            Mount("/static", StaticFiles(directory=STATIC)),
        ],
        exception_handlers={FirstfiveError: Mishap(rendered), HTTPException: Mishap(rendered)},
    )
    return Guards(app, sign_in.admits, lambda status, sentence: PlainTextResponse(f"{sentence}\n", status))


class Mishap:
    """A page for what could not be shown: one sentence, and the way back."""

    def __init__(self, rendered: Rendering) -> None:
        self._rendered = rendered

    async def __call__(self, request: Request, error: Exception) -> Response:
        """The page for ``error``."""
        del request
        if isinstance(error, HTTPException):
            sentence = "There is no such page." if error.status_code == 404 else f"{error.detail}."  # noqa: PLR2004
            return self._rendered.page("mishap", error.status_code, sentence=sentence)
        status = 404 if isinstance(error, NotFound) else 422 if isinstance(error, BadInput) else 409
        return self._rendered.page("mishap", 503 if isinstance(error, Unavailable) else status, sentence=str(error))
