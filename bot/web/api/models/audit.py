"""The audit of controls, as it goes out."""

from typing import Any

from bot.web.api.models.shape import Shape


class AuditShape(Shape):
    """Entries as they were hashed."""

    entries: list[dict[str, Any]]
    next: int | None


class AuditBreakShape(Shape):
    """Where a chain is not what was written."""

    agent: str
    revision: int
    what: str


class AuditCheckShape(Shape):
    """Whether every chain is as it was written."""

    ok: bool
    checked: int
    breaks: list[AuditBreakShape]
