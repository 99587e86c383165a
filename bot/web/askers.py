"""Who asks for controls: read from an OFREP evaluation context, or from a query string."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from bot.incident.mitigation import Scope
from bot.incident.model import Agent, Catalogue
from bot.incident.storable import storable

LONGEST_NAME = 200
MOST_KEPT = 10_000  # callers choose names and bodies freely
LONGEST_KEPT = 1024  # bytes of a body that is remembered


class ContextError(Exception):
    """The evaluation context cannot be used; ``code`` is OpenFeature's word for why."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the agent as the catalogue knows it, where the call happens, and in which instance ("" when unsaid)."""

    agent: Agent
    scope: Scope
    instance: str


class Askers:
    """Askers by what they said; an agent says the same before every step, so it is read once."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._by_body: dict[bytes, Asker] = {}

    def of_body(self, body: bytes) -> Asker:
        """The asker of an OFREP request.

        Raises:
            ContextError: the body cannot be read, or names no agent.
        """
        known = self._by_body.get(body)
        if known is not None:
            return known
        asker = self.of_context(_context(body))
        if len(body) <= LONGEST_KEPT:
            if len(self._by_body) >= MOST_KEPT:
                self._by_body.clear()
            self._by_body[body] = asker
        return asker

    def of_context(self, context: Mapping[str, Any]) -> Asker:
        """The asker of a context or a query.

        Raises:
            ContextError: it names no agent.
        """
        named = _first(context, "agent", "service", "service.name")
        targeting = _first(context, "targetingKey")
        if not named and targeting and self._catalogue.find(targeting) is not None:
            named = targeting
        if not named:
            # A default for an unknown asker would be a kill switch that silently stays off.
            raise ContextError("INVALID_CONTEXT", "Name the agent in context.agent.")
        scope = Scope(
            environment=_first(context, "env", "environment"),
            tenant=_first(context, "tenant"),
            channel=_first(context, "channel"),
            version=_first(context, "version"),
        )
        return Asker(self._catalogue.agent(named), scope, _first(context, "instance"))


def _context(body: bytes) -> Mapping[str, Any]:
    try:
        read = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError as error:
        raise ContextError("PARSE_ERROR", "The body is not JSON.") from error
    context = read.get("context", {}) if isinstance(read, dict) else None
    if not isinstance(context, dict):
        raise ContextError("INVALID_CONTEXT", "Send an object with a context object in it.")
    return context


def _first(context: Mapping[str, Any], *names: str) -> str:
    for name in names:
        value = context.get(name)
        if isinstance(value, str) and (said := storable(value).strip()):
            return said[:LONGEST_NAME]
    return ""
