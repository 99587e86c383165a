"""What the verbs need from outside, by who keeps the promise. Each docstring states the promise, not the mechanism."""

from bot.ports.controls import AuditBreak, AuditTrail, Control, Driver, Sighting, Sightings
from bot.ports.documents import Charts, Renderer
from bot.ports.engine import Background, Clock, Ids, Job, JobName, Jobs
from bot.ports.records import (
    Incidents,
    Mitigations,
    NewIncident,
    Records,
    Remembered,
    Requests,
    Snapshots,
    Timelines,
    Turns,
    Work,
)
from bot.ports.room import (
    Deliveries,
    Groups,
    Outbox,
    OutboxQueue,
    QueuedTask,
    RoomRecord,
    RoomRecords,
    RoomTask,
    RoomTaskKind,
)
from bot.ports.sources import SourceAsk, SourceFound, TelemetrySource
from bot.ports.telemetry import Announcements, TelemetryRetention, TelemetryStore, Traces

__all__ = [
    "Announcements",
    "AuditBreak",
    "AuditTrail",
    "Background",
    "Charts",
    "Clock",
    "Control",
    "Deliveries",
    "Driver",
    "Groups",
    "Ids",
    "Incidents",
    "Job",
    "JobName",
    "Jobs",
    "Mitigations",
    "NewIncident",
    "Outbox",
    "OutboxQueue",
    "QueuedTask",
    "Records",
    "Remembered",
    "Renderer",
    "Requests",
    "RoomRecord",
    "RoomRecords",
    "RoomTask",
    "RoomTaskKind",
    "Sighting",
    "Sightings",
    "Snapshots",
    "SourceAsk",
    "SourceFound",
    "TelemetryRetention",
    "TelemetrySource",
    "TelemetryStore",
    "Timelines",
    "Traces",
    "Turns",
    "Work",
]
