"""Documents and pictures from typed values."""

from collections.abc import Mapping
from typing import Protocol

from bot.incident.postmortem import Postmortem


class Renderer(Protocol):
    """Documents from typed values."""

    def postmortem(self, postmortem: Postmortem, form: str) -> str:
        """The document as "md" or "html"."""
        ...


class Charts(Protocol):
    """Pictures of figures."""

    async def draw(self, spec: Mapping[str, object], form: str) -> bytes:
        """A Vega-Lite spec as "png" or "svg"; off the request path.

        Raises:
            Unavailable: the drawing process did not answer in time.
        """
        ...
