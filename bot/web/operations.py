"""For those who run the bot: is it alive, is it ready, what does it count."""

import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

PROMETHEUS = "text/plain; version=0.0.4; charset=utf-8"


@dataclass(frozen=True, slots=True)
class OperationsRoutes:
    """``/healthz``, ``/readyz`` and ``/metrics``."""

    ready: Callable[[], Awaitable[str | None]]
    metrics: Callable[[], Awaitable[Mapping[str, float]]]

    def routes(self) -> list[Route]:
        """The three routes."""
        return [
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.exposition),
        ]

    async def healthz(self, request: Request) -> Response:  # noqa: ARG002  the answer is the same for everyone
        """The process answers."""
        return PlainTextResponse("ok\n")

    async def readyz(self, request: Request) -> Response:  # noqa: ARG002  as above
        """Everything needed to take an incident is there; else 503 with what is missing."""
        missing = await self.ready()
        return PlainTextResponse("ready\n") if missing is None else PlainTextResponse(f"{missing}\n", 503)

    async def exposition(self, request: Request) -> Response:  # noqa: ARG002  as above
        """All series in Prometheus text format."""
        return Response(exposition(await self.metrics()), media_type=PROMETHEUS)


def exposition(series: Mapping[str, float]) -> str:
    """Prometheus text of ``series`` (full name with labels -> value); ``…_total`` names are counters."""
    lines: list[str] = []
    typed: set[str] = set()
    for full in sorted(series, key=lambda full: (_family(full), full)):
        family = _family(full)
        if family not in typed:
            typed.add(family)
            lines.append(f"# TYPE {family} {'counter' if family.endswith('_total') else 'gauge'}")
        lines.append(f"{full} {_number(series[full])}")
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return f"{int(value)}" if value == int(value) else f"{value:g}"


def _family(full: str) -> str:
    return full.partition("{")[0]
