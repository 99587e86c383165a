"""What several folders share."""

import signal
from collections.abc import Iterator

import pytest

from tests.postgres_server import postgresql

# A shell that starts us in the background leaves SIGINT ignored, and so would every program that a test starts and interrupts
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own, gone after the session."""
    with postgresql() as url:
        yield url
