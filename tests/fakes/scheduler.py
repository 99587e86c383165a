"""A scheduler for stories without timers."""

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ports import Job


class NoJobs:
    """Remembers what was scheduled and runs nothing."""

    def __init__(self) -> None:
        self.scheduled: list[Job] = []

    async def schedule_in(self, connection: AsyncConnection, job: Job) -> None:  # noqa: ARG002  the port's shape
        self.scheduled.append(job)
