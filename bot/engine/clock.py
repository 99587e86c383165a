"""The one place that reads the wall clock."""

from datetime import UTC, datetime

from bot.ports import Clock


class SystemClock(Clock):
    """The machine's time."""

    def now(self) -> datetime:
        """The current moment, aware, in UTC."""
        return datetime.now(UTC)
