"""A SQLite without subseconds learns them, for the durable engine's sake."""

import sqlite3

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from bot.engine.old_sqlite import SUBSECONDS_SINCE, teach, teach_all


def test_times_have_fractions_and_a_table_can_default_to_them() -> None:
    connection = sqlite3.connect(":memory:")
    teach(connection)
    connection.execute("CREATE TABLE job (id TEXT, made INTEGER NOT NULL DEFAULT (unixepoch('subsec') * 1000))")
    connection.execute("INSERT INTO job (id) VALUES ('a')")
    (made,) = connection.execute("SELECT made FROM job").fetchone()
    (plain,) = connection.execute("SELECT unixepoch()").fetchone()
    assert abs(made / 1000 - plain) < 5
    connection.close()


def test_another_use_is_an_error_and_not_a_wrong_time() -> None:
    connection = sqlite3.connect(":memory:")
    teach(connection)
    with pytest.raises(sqlite3.OperationalError):
        connection.execute("SELECT unixepoch('2026-01-01')").fetchone()
    connection.close()


def test_every_engine_of_the_process_knows_subseconds() -> None:
    teach_all()
    teach_all()
    engine = create_engine("sqlite://", poolclass=NullPool)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT unixepoch('subsec')")).scalar()
    engine.dispose()
    assert found is not None or sqlite3.sqlite_version_info >= SUBSECONDS_SINCE
