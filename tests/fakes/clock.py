"""A clock that stands still until it is moved."""

from datetime import UTC, datetime, timedelta

from bot.ports import Clock

START = datetime(2026, 11, 2, 3, 12, tzinfo=UTC)


class FakeClock(Clock):
    """Time that only the test moves."""

    def __init__(self, now: datetime = START) -> None:
        self._now = now

    def now(self) -> datetime:
        """The moment it was set to."""
        return self._now

    def advance(self, by: timedelta | float) -> datetime:
        """Move forward by ``by`` (a number means seconds); returns the new moment."""
        self._now += by if isinstance(by, timedelta) else timedelta(seconds=by)
        return self._now
