"""Run the migrations from within the program: no ini file, no working directory."""

from pathlib import Path
from threading import Lock
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, event, make_url
from sqlalchemy.pool import NullPool

HERE = Path(__file__).parent
_ALONE = Lock()  # Alembic keeps its context in globals: two threads would use each other's connection


def configuration() -> Config:
    """Alembic's configuration for this folder."""
    config = Config()
    config.set_main_option("script_location", str(HERE).replace("%", "%%"))
    return config


def head() -> str | None:
    """The newest migration there is."""
    return ScriptDirectory.from_config(configuration()).get_current_head()


def upgrade(url: str) -> None:
    """Bring the database at ``url`` to the newest migration, in one transaction.

    Threads and processes that start at once wait for the first one and find nothing left to do.
    """
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    engine = create_engine(parsed, poolclass=NullPool)
    if parsed.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    config = configuration()
    try:
        with _ALONE, engine.begin() as connection:
            if parsed.get_backend_name() == "postgresql":  # two processes starting at once: one migrates, one waits
                connection.exec_driver_sql("SELECT pg_advisory_xact_lock(5051)")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    finally:
        engine.dispose()


def _prepare_sqlite(connection: Any, record: Any) -> None:
    """Left to itself the driver commits each DDL statement on its own; a crash would leave half a schema."""
    del record
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout=30000")


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
