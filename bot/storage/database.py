"""One database by URL: SQLite embedded, or PostgreSQL. The same code above it for both."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DataError, DBAPIError, OperationalError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from bot.incident.errors import BadInput, Misconfigured, Unavailable

HEAD = "0011"  # the newest migration; a test keeps it in step
BUSY_SECONDS = 30  # how long SQLite waits for another process's write
READERS = 4
NOT_KEPT = (
    "Something in it is no text that can be kept, or too large a number. Nothing was changed; write it another way."
)
LOOKERS = 2  # threads; what they find is worked on by one processor at a time anyway

T = TypeVar("T")


class Database:
    """Connections to one database. Writing on SQLite goes through one connection: it has one writer anyway."""

    def __init__(self, url: str) -> None:
        """``url`` is ``sqlite:///path`` or ``postgresql://…``.

        Raises:
            Misconfigured: it is neither.
        """
        self._url = checked(url)
        self.sqlite_path = self._url.database if self._url.get_backend_name() == "sqlite" else None
        if self.sqlite_path is not None:
            Path(self.sqlite_path).parent.mkdir(parents=True, exist_ok=True)
        self._writer = self._engine(writes=True)
        self._reader = self._engine(writes=False) if self.sqlite_path is not None else self._writer
        self._writing = asyncio.Lock() if self.sqlite_path is not None else None
        self._looker = self._sqlite_looker() if self.sqlite_path is not None else None
        self._looking = ThreadPoolExecutor(LOOKERS, "look")

    @property
    def url(self) -> str:
        """The URL as given, password included: never log it."""
        return self._url.render_as_string(hide_password=False)

    @property
    def dialect(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self._url.get_backend_name()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """A transaction, committed when the block ends well and undone when it raises.

        Raises:
            Unavailable: the database cannot be reached.
        """
        if self._writing is None:
            async with self._transaction(self._writer) as connection:
                yield connection
            return
        async with self._writing, self._transaction(self._writer) as connection:
            yield connection

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent view.

        Raises:
            Unavailable: the database cannot be reached.
        """
        async with self._transaction(self._reader) as connection:
            yield connection

    async def look(self, find: Callable[[Connection], T]) -> T:
        """What ``find`` reads in one consistent view.

        On SQLite all of it happens in one visit to a thread; :meth:`read` goes there and back four times a statement,
        which for short ones takes longer than they do.

        Raises:
            Unavailable: the database cannot be reached.
        """
        if self._looker is None:
            async with self.read() as connection:
                return await connection.run_sync(find)
        return await asyncio.get_running_loop().run_in_executor(self._looking, self._found, self._looker, find)

    @staticmethod
    def _found(looker: Engine, find: Callable[[Connection], T]) -> T:
        with _failures_named(), looker.begin() as connection:
            return find(connection)

    @asynccontextmanager
    async def _transaction(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        with _failures_named():
            async with engine.begin() as connection:
                yield connection

    async def schema_is_current(self) -> bool:
        """The newest migration has run. Cheap: no migration code is imported."""
        try:
            async with self._reader.connect() as connection:
                found = await connection.execute(text("SELECT version_num FROM alembic_version"))
                return found.scalar() == HEAD
        except (OperationalError, ProgrammingError):
            return False

    async def upgrade(self) -> None:
        """Run the migrations that are missing.

        Raises:
            Unavailable: the database cannot be reached.
        """
        if await self.schema_is_current():
            return
        from bot.storage.migrations.run import upgrade  # noqa: PLC0415  0.1 s, only when there is something to do

        try:
            await asyncio.to_thread(upgrade, self.url)
        except OperationalError as error:
            reason = str(error.orig).splitlines()[0]
            raise Unavailable(f"The database does not answer: {reason}. Check FIRSTFIVE_DATABASE_URL.") from error

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        if self._reader is not self._writer:
            await self._reader.dispose()
        self._looking.shutdown()
        if self._looker is not None:
            self._looker.dispose()

    def _engine(self, *, writes: bool) -> AsyncEngine:
        if self.sqlite_path is None:
            return create_async_engine(self._url.set(drivername="postgresql+psycopg"), pool_pre_ping=True)
        engine = create_async_engine(
            self._url.set(drivername="sqlite+aiosqlite"),
            pool_size=1 if writes else READERS,
            max_overflow=0,
            pool_timeout=BUSY_SECONDS,
            connect_args={"timeout": BUSY_SECONDS},
        )
        _prepare(engine.sync_engine, writes=writes)
        return engine

    def _sqlite_looker(self) -> Engine:
        where = self._url.set(drivername="sqlite")
        engine = create_engine(where, pool_size=LOOKERS, max_overflow=0, connect_args={"timeout": BUSY_SECONDS})
        _prepare(engine, writes=False)
        return engine


@contextmanager
def _failures_named() -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        raise Unavailable("The database does not answer; nothing was changed. Try again in a moment.") from error
    except DataError as error:
        raise BadInput("text", NOT_KEPT) from error
    except DBAPIError as error:
        if error.connection_invalidated:
            raise Unavailable("The database went away; nothing was changed. Try again in a moment.") from error
        raise


def checked(url: str) -> URL:
    """The URL of a database we know.

    Raises:
        Misconfigured: it is none.
    """
    try:
        parsed = make_url(url)
    except Exception as error:
        raise Misconfigured(
            "FIRSTFIVE_DATABASE_URL is no URL; write sqlite:///file or postgresql://user@host/name."
        ) from error
    backend = parsed.get_backend_name()
    if backend == "postgres":
        parsed = parsed.set(drivername="postgresql")
    elif backend not in {"sqlite", "postgresql"}:
        raise Misconfigured(f"FIRSTFIVE_DATABASE_URL names {backend}; SQLite and PostgreSQL are supported.")
    if backend == "sqlite" and not parsed.database:
        raise Misconfigured("FIRSTFIVE_DATABASE_URL names no file; write sqlite:///path/to/firstfive.db.")
    if backend == "sqlite" and "?" in url:
        raise Misconfigured("FIRSTFIVE_DATABASE_URL has a ? after the file; where it belongs to the name, write %3F.")
    return parsed


def _prepare(engine: Engine, *, writes: bool) -> None:
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_writing if writes else _begin_reading)


def _prepare_sqlite(connection: Any, record: Any) -> None:
    """WAL lets readers and the writer work at once; FULL keeps a commit through a power failure."""
    del record
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_SECONDS * 1000}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _begin_reading(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
