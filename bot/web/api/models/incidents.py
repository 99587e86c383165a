"""Incidents and their timelines, as they go out."""

from datetime import datetime
from typing import Any

from pydantic import Field

from bot.web.api.models.mitigations import MitigationShape
from bot.web.api.models.shape import PersonShape, Shape


class IncidentShape(Shape):
    """An incident as its timeline tells it."""

    key: str
    title: str
    agent: str
    environment: str
    status: str
    severity: str
    harm_now: bool
    test: bool
    declared_at: datetime
    declared_by: PersonShape
    incident_class: str | None = Field(serialization_alias="class")
    cause: str | None
    classified_at: datetime | None
    roles: dict[str, PersonShape]
    evidence_summary: list[str]
    evidence_missing: list[str]
    mitigations: list[MitigationShape]
    channel: str | None
    last_update: str | None
    resolved_at: datetime | None
    summary: str | None
    open_todos: int | None
    last_event: int
    url: str


class IncidentsShape(Shape):
    """A page of incidents, newest first; ask again with ``cursor=next`` until it is null."""

    incidents: list[IncidentShape]
    next: str | None


class EventShape(Shape):
    """One entry of the timeline."""

    id: str
    seq: int
    at: datetime
    by: PersonShape
    kind: str
    text: str
    fact: dict[str, Any]


class TimelineShape(Shape):
    """All entries, oldest first."""

    events: list[EventShape]
