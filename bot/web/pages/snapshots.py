"""The page of one snapshot: what was frozen, when, by whom, and the file that its hash is of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.incident.state import IncidentState
from bot.web.pages.rendering import Rendering
from bot.web.parts import Parts
from bot.web.snapshot_file import snapshot_file

NANOSECONDS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class SnapshotPages:
    """``/incidents/{key}/snapshots/{id}`` and the same as a file."""

    parts: Parts
    rendering: Rendering

    def routes(self) -> list[Route]:
        """The routes."""
        return [
            Route("/incidents/{key}/snapshots/{id}.json", self.file),
            Route("/incidents/{key}/snapshots/{id}", self.show),
        ]

    async def show(self, request: Request) -> Response:
        """What is in it."""
        key, name = request.path_params["key"], request.path_params["id"]
        state = await self.parts.verbs.look.state(key)
        event, body = await self.parts.verbs.look.snapshot(key, name)
        return self.rendering.page(
            "snapshot",
            state=state,
            incident=state.incident,
            event=event,
            fact=event.fact,
            name=name,
            before=str(body.get("before", "")),
            tasks=[_task(one) for one in _listed(body, "traces")],
            references=_listed(body, "references"),
            controls=[str(one.get("kind", "")) for one in _listed(body, "controls")],
            missing=str(body.get("missing", "")),
        )

    async def file(self, request: Request) -> Response:
        """The snapshot as it was hashed: canonical JSON."""
        key, name = request.path_params["key"], request.path_params["id"]
        event, body = await self.parts.verbs.look.snapshot(key, name)
        return snapshot_file(event, name, body)


def snapshots_of(state: IncidentState) -> list[tuple[str, str]]:
    """The snapshots of an incident, as (id, what it is)."""
    first = [(state.snapshot, "Evidence of the declaration")] if state.snapshot else []
    kept = [(one.kept.snapshot, f"Before {one.mitigation.label}") for one in state.mitigations.values() if one.kept]
    return [*first, *kept]


def _listed(body: Mapping[str, object], name: str) -> list[Any]:
    found = body.get(name)
    return found if isinstance(found, list) else []


def _task(trace: Mapping[str, Any]) -> dict[str, Any]:
    """One exported task in a line."""
    start, end = int(trace["start_ns"]), int(trace["end_ns"])
    return {
        "id": str(trace["id"]),
        "at": datetime.fromtimestamp(start // NANOSECONDS, UTC),
        "seconds": (end - start) / NANOSECONDS,
        "steps": len(trace.get("spans") or ()),
        "failed": bool(trace.get("error")),
        "version": str(trace.get("agent_version") or ""),
    }
