"""One Phoenix and one MLflow for the whole run."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bot.ports import Clock
from tests.integration import servers
from tests.integration.unleash_server import unleash
from tests.node_programs import NodeMissing

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: Sequence[pytest.Item]) -> None:
    """The first test of a server waits for it to start."""
    for item in items:
        if item.path.is_relative_to(HERE):
            item.add_marker(pytest.mark.timeout(300))


class WallClock(Clock):
    """The time, as the servers have it."""

    def now(self) -> datetime:
        """This moment."""
        return datetime.now(UTC)


@pytest.fixture(scope="session")
def phoenix_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.phoenix(tmp_path_factory.mktemp("phoenix")) as url:
        yield url


@pytest.fixture(scope="session")
def mlflow_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with servers.mlflow(tmp_path_factory.mktemp("mlflow")) as url:
        yield url


@pytest.fixture(scope="session")
def unleash_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    try:
        with unleash(tmp_path_factory.mktemp("unleash")) as server:
            yield server.url
    except NodeMissing as error:
        servers.missing(str(error))
