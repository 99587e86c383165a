"""What several folders share."""

from collections.abc import Iterator

import pytest

from tests.postgres_server import postgresql


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL server of our own, gone after the session."""
    with postgresql() as url:
        yield url
