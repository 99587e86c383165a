"""Routes about the audit of controls: exported page by page, and checked."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from bot.incident.codec import encode
from bot.incident.errors import Unavailable
from bot.ports import AuditTrail
from bot.web.api.models.audit import AuditBreakShape, AuditCheckShape, AuditShape
from bot.web.parts import Parts


def router(parts: Parts) -> APIRouter:
    """The routes."""
    routes = APIRouter(tags=["audit"])

    @routes.get("/audit")
    async def entries(
        agent: str, after: Annotated[int, Query(ge=0)] = 0, limit: Annotated[int, Query(ge=1, le=1000)] = 100
    ) -> AuditShape:
        """Who changed which control of an agent, oldest first; ``next`` goes into ``after`` for the following page."""
        rows: list[dict[str, Any]] = [encode(row) for row in await _trail(parts).entries(agent, after, limit)]
        following = int(rows[-1]["revision"]) if len(rows) == limit else None
        return AuditShape(entries=rows, next=following)

    @routes.get("/audit/verify")
    async def verify() -> AuditCheckShape:
        """Whether every chain is as it was written, and where it is not."""
        breaks, checked = await _trail(parts).breaks()
        found = [AuditBreakShape(agent=one.agent, revision=one.revision, what=one.what) for one in breaks]
        return AuditCheckShape(ok=not breaks, checked=checked, breaks=found)

    return routes


def _trail(parts: Parts) -> AuditTrail:
    if parts.audit is None:
        raise Unavailable("The audit is not kept here.")
    return parts.audit
