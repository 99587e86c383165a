"""The FastAPI application behind /api."""

from fastapi import FastAPI
from starlette.types import ASGIApp

from bot import __version__
from bot.web.api import approving, auditing, judging, mitigating, observing, problems, remediating, responding, runbooks
from bot.web.api.repeating import Repeating
from bot.web.parts import Parts


def build_api(parts: Parts) -> ASGIApp:
    """The API, to be mounted at ``/api``; its description stands at ``/api/openapi.json``."""
    app = FastAPI(
        title="firstfive",
        version=__version__,
        summary="Incident response for LLM agents",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
    )
    problems.install(app)
    for part in (observing, responding, judging, mitigating, approving, auditing, remediating, runbooks):
        app.include_router(part.router(parts), prefix="/v1")
    return Repeating(app, parts.records, parts.clock)
