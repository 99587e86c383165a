"""Time, identifiers, and what is to be done later: the engine keeps these promises."""

from collections.abc import Coroutine
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class Clock(Protocol):
    """The time."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        ...


class Ids(Protocol):
    """Identifiers nobody can guess or meet twice."""

    def new(self) -> str:
        """A fresh identifier, 20 lower-case letters and digits."""
        ...


class Background(Protocol):
    """Something to start now without waiting for it. A durable job stands behind it, so a crash loses nothing."""

    def start(self, work: Coroutine[object, object, object]) -> None:
        """Run it on the event loop; failures are logged, not raised."""
        ...


class JobName(StrEnum):
    """The durable jobs there are."""

    FREEZE_EVIDENCE = "freeze_evidence"  # argument: incident key
    CLASSIFICATION_REMINDER = "classification_reminder"  # argument: incident key
    CLASSIFICATION_NUDGE = "classification_nudge"  # argument: incident key
    CLASSIFICATION_RAISE = "classification_raise"  # argument: incident key
    MITIGATION_EXPIRY = "mitigation_expiry"  # argument: mitigation id
    MITIGATION_WARNING = "mitigation_warning"  # argument: mitigation id
    MITIGATION_DRIVE = "mitigation_drive"  # argument: mitigation id
    APPROVAL_EXPIRY = "approval_expiry"  # argument: approval id
    EXIT_STEP = "exit_step"  # argument: mitigation id


@dataclass(frozen=True, slots=True)
class Job:
    """A durable job; ``id`` makes it scheduled once."""

    name: JobName
    id: str
    argument: str
    run_at: datetime


class Jobs(Protocol):
    """Durable timers: a job runs once its time has come, even if every process died in between."""

    async def schedule(self, job: Job) -> None:
        """Run it at ``job.run_at``, at least once; a job with the same id is scheduled only once."""
        ...
