"""Every contract runs on SQLite and on a real PostgreSQL."""

import shutil
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import make_url

from bot.storage.database import Database
from bot.storage.migrations.run import upgrade


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database nobody has used yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'firstfive.db'}"
        return
    with another_database(request.getfixturevalue("postgres")) as url:
        yield url


@pytest.fixture(scope="session")
def migrated_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with its tables, to be copied."""
    file = tmp_path_factory.mktemp("migrated") / "firstfive.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture(scope="session")
def migrated_database(postgres: str) -> Iterator[str]:
    """The name of a PostgreSQL database with its tables, to be copied."""
    with another_database(postgres) as url:
        upgrade(url)
        yield str(make_url(url).database)


@pytest.fixture(params=["sqlite", "postgresql"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    """A database of this test's own, with its tables."""
    with ExitStack() as made:
        if request.param == "sqlite":
            url = f"sqlite:///{shutil.copy(request.getfixturevalue('migrated_file'), tmp_path / 'firstfive.db')}"
        else:
            template: str = request.getfixturevalue("migrated_database")
            url = made.enter_context(another_database(request.getfixturevalue("postgres"), template))
        opened = Database(url)
        yield opened
        await opened.close()


@contextmanager
def another_database(server: str, template: str = "template1") -> Iterator[str]:
    """The URL of a new PostgreSQL database, a copy of ``template``, dropped at the end."""
    name = f"t{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:  # copying files takes a third of the time of the log
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY".encode())
    yield server.replace("/postgres?", f"/{name}?")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())
