"""How long a server that is busy asks to be left alone."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

DEFAULT = timedelta(seconds=5)  # where it does not say, or says it unreadably
LONGEST = timedelta(minutes=10)


def retry_after(said: str, now: datetime) -> timedelta:
    """The wait that a Retry-After header asks for, in seconds or as a date (RFC 9110, 10.2.3); 10 minutes at most."""
    plain = said.strip()
    try:
        if plain.replace(".", "", 1).isdigit():
            return timedelta(seconds=min(float(plain), LONGEST.total_seconds()))
        until = parsedate_to_datetime(plain)
        until = until if until.tzinfo else until.replace(tzinfo=UTC)
        return min(max(timedelta(0), until - now), LONGEST)
    except (ValueError, TypeError, OverflowError):
        return DEFAULT
