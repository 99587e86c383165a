"""The database house: migrations, transactions, and what it says when it cannot."""

import asyncio
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Column, Connection, MetaData, Table, create_engine, insert, make_url, select, text
from sqlalchemy.exc import StatementError
from sqlalchemy.pool import NullPool

from bot.incident.errors import Misconfigured, Unavailable
from bot.storage.database import HEAD, Database
from bot.storage.migrations.run import head
from bot.storage.tables import UtcDateTime, incidents, metadata, telemetry


def test_the_cheap_check_knows_the_newest_migration() -> None:
    assert head() == HEAD


async def test_migrations_make_the_tables_that_the_code_expects(database: Database) -> None:
    assert {incidents.incidents.name, telemetry.spans.name} <= set(metadata.tables)

    def differences(connection: Connection) -> list[object]:
        return list(compare_metadata(MigrationContext.configure(connection), metadata))

    driver = {"postgresql": "postgresql+psycopg", "sqlite": "sqlite"}[database.dialect]
    engine = create_engine(make_url(database.url).set(drivername=driver), poolclass=NullPool)
    with engine.connect() as connection:
        assert differences(connection) == []


async def test_upgrading_again_changes_nothing_and_leaves_foreign_tables_alone(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE of_another_program (id integer)"))
        await connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
    await database.upgrade()
    assert await database.schema_is_current()
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM of_another_program"))).scalar() == 0


async def test_three_that_start_at_once_all_find_a_current_schema(database_url: str) -> None:
    opened = [Database(database_url) for _ in range(3)]
    assert not await opened[0].schema_is_current()
    await asyncio.gather(*(one.upgrade() for one in opened))
    assert [await one.schema_is_current() for one in opened] == [True, True, True]
    for one in opened:
        await one.close()


async def test_a_block_that_raises_leaves_no_trace(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE notes (id integer)"))

    async def half() -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO notes VALUES (1)"))
            raise LookupError

    with pytest.raises(LookupError):
        await half()
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM notes"))).scalar() == 0


async def test_many_writers_and_readers_at_once_never_find_it_locked(database: Database) -> None:
    async with database.write() as connection:
        await connection.execute(text("CREATE TABLE counts (n integer)"))

    async def write(number: int) -> None:
        async with database.write() as connection:
            await connection.execute(text("INSERT INTO counts VALUES (:n)"), {"n": number})

    async def read() -> None:
        async with database.read() as connection:
            await connection.execute(text("SELECT count(*) FROM counts"))

    def counted(connection: Connection) -> object:
        return connection.execute(text("SELECT count(*) FROM counts")).scalar()

    looks = (database.look(counted) for _ in range(30))
    await asyncio.gather(*(write(number) for number in range(30)), *(read() for _ in range(30)), *looks)
    async with database.read() as connection:
        assert (await connection.execute(text("SELECT count(*) FROM counts"))).scalar() == 30
    assert await database.look(counted) == 30


async def test_a_moment_comes_back_aware_and_in_utc(database: Database) -> None:
    moments = Table("moments", MetaData(), Column("at", UtcDateTime))
    told = datetime(2026, 11, 2, 5, 12, tzinfo=timezone(timedelta(hours=2)))
    async with database.write() as connection:
        await connection.run_sync(moments.create)
        await connection.execute(insert(moments).values(at=told))
    async with database.read() as connection:
        found: datetime = (await connection.execute(select(moments.c.at))).scalar_one()
    assert (found, found.utcoffset()) == (told, timedelta(0))


async def test_a_moment_without_a_time_zone_is_our_mistake(database: Database) -> None:
    moments = Table("moments", MetaData(), Column("at", UtcDateTime))
    naive = datetime(2026, 11, 2)  # noqa: DTZ001 - the mistake itself
    async with database.write() as connection:
        await connection.run_sync(moments.create)
        with pytest.raises(StatementError, match="without a time zone"):
            await connection.execute(insert(moments).values(at=naive))


@pytest.mark.parametrize("url", ["nonsense", "mysql://root@localhost/x", "sqlite://"])
def test_an_url_we_do_not_know_is_named_in_one_sentence(url: str) -> None:
    with pytest.raises(Misconfigured, match="FIRSTFIVE_DATABASE_URL"):
        Database(url)


async def test_a_server_that_is_not_there_is_unavailable() -> None:
    nowhere = Database("postgresql://nobody@127.0.0.1:1/none?connect_timeout=2")
    with pytest.raises(Unavailable, match="does not answer"):
        await nowhere.upgrade()
    with pytest.raises(Unavailable, match="does not answer"):
        await nowhere.look(lambda connection: connection.dialect.name)
    await nowhere.close()


async def test_a_look_into_a_file_without_tables_says_that_it_does_not_answer(tmp_path: Path) -> None:
    empty = Database(f"sqlite:///{tmp_path / 'empty.db'}")
    with pytest.raises(Unavailable, match="does not answer"):
        await empty.look(lambda connection: connection.execute(text("SELECT 1 FROM spans")))
    await empty.close()
