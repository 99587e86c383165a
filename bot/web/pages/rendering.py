"""Templates to answers. Everything is escaped: titles, notes and traces are foreign text."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from bot.incident.control_words import NONE_IN_FORCE
from bot.incident.environments import is_named, said_of
from bot.incident.links import agent_page
from bot.incident.quantities import duration, in_minutes, percent
from bot.web.pages import words

HERE = Path(__file__).parent.parent
TEMPLATES = HERE / "templates"
STATIC = HERE / "static"


def _environment() -> Environment:
    loaded = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    loaded.globals["agent_page"] = agent_page
    loaded.globals["none_in_force"] = NONE_IN_FORCE
    loaded.filters["utc"] = words.clock_time
    loaded.filters["iso"] = datetime.isoformat
    loaded.filters["at"] = words.moment
    loaded.filters["traces"] = words.links
    loaded.filters["duration"] = duration
    loaded.filters["minutes"] = in_minutes
    loaded.filters["percent"] = percent
    loaded.filters["environment_notes"] = said_of
    loaded.filters["environment_named"] = is_named
    return loaded


def _fingerprint() -> str:
    """Changes with the static files, so that browsers may keep them for long."""
    found = b"".join(path.read_bytes() for path in sorted(STATIC.iterdir()) if path.is_file())
    return hashlib.sha256(found).hexdigest()[:10]


@dataclass(frozen=True, slots=True)
class Rendering:
    """Renders templates of this package."""

    environment: Environment
    fingerprint: str

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        """A whole page."""
        return HTMLResponse(self._text(template, values), status)

    def fragment(self, request: Request, template: str, **values: Any) -> Response:
        """A part that pages fetch again and again; 304 when it has not changed."""
        text = self._text(template, values)
        etag = f'"{hashlib.sha256(text.encode()).hexdigest()[:24]}"'
        headers = {"ETag": etag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=304, headers=headers)
        return HTMLResponse(text, headers=headers)

    def _text(self, template: str, values: dict[str, Any]) -> str:
        return self.environment.get_template(f"{template}.html.j2").render(static=self.fingerprint, **values)


def rendering() -> Rendering:
    """The templates, ready to use."""
    return Rendering(_environment(), _fingerprint())
