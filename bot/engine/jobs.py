"""Durable timers on DBOS, inside our own database.

Every job is a workflow of one step, enqueued with a delay in the transaction of the change
that wants it. The application version is pinned and the executor's name is stable, so that
a process that starts again, also with newer code, picks up what it had left.
"""

import asyncio
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.engine.bridge import RETRY_AFTER, Bridge, Run
from bot.engine.old_sqlite import teach_all
from bot.ports import Clock, Job

if TYPE_CHECKING:
    from dbos import DBOSClient, DBOSConfig, EnqueueOptions

APPLICATION = "firstfive"
VERSION = "1"  # pinned: the default changes with every edit and would strand what is in flight
SCHEMA = "dbos"  # on PostgreSQL; SQLite has none
QUEUE = "firstfive_jobs"
WORKFLOW = "firstfive_job"
EXECUTOR = "firstfive-0"
AT_ONCE = 8  # jobs running at the same time in one process
CONNECTIONS = 4
STOP_GRACE = 5.0  # seconds
LISTEN_EVERY = 0.05  # seconds the engine's listener sleeps between looks at its empty list; stopping waits for it
MOST_FAILED = 100


@dataclass(frozen=True, slots=True)
class FailedJob:
    """A job that was given up after all its tries. Somebody has to look."""

    id: str
    error: str


class DurableJobs:
    """Schedules jobs and, once started, runs them. One per process runs: the engine is a process-wide thing."""

    def __init__(self, database_url: str, clock: Clock, *, executor: str = EXECUTOR, poll_seconds: float = 1.0) -> None:
        teach_all()
        self._url = engine_url(database_url)
        self._clock = clock
        self._executor = executor
        self._poll_seconds = poll_seconds
        self._made_client: DBOSClient | None = None
        self._bridge: Bridge | None = None
        self._launching: asyncio.Task[None] | None = None

    async def schedule_in(self, connection: AsyncConnection, job: Job) -> None:
        """Schedule ``job`` within the caller's transaction; the same id again changes nothing."""
        client = self._client()
        options: EnqueueOptions = {"workflow_name": WORKFLOW, "queue_name": QUEUE, "workflow_id": job.id}
        delay = (job.run_at - self._clock.now()).total_seconds()
        if delay > 0:
            options["delay_seconds"] = delay

        def enqueue(sync_connection: Connection) -> None:
            client.enqueue_in_transaction(sync_connection, options, job.name.value, job.argument)

        await connection.run_sync(enqueue)

    async def start(self, run: Run, retry_after: tuple[float, ...] = RETRY_AFTER) -> None:
        """Run due jobs from now on by calling ``run`` on this event loop, first those a crash interrupted."""
        if self._bridge is not None:
            raise RuntimeError("the jobs run already")
        self._bridge = Bridge(run, asyncio.get_running_loop(), retry_after)
        self._launching = asyncio.create_task(asyncio.to_thread(self._launch, self._bridge))
        await asyncio.shield(self._launching)

    async def stop(self, grace: float = STOP_GRACE) -> None:
        """Take no more jobs and end; what still runs after ``grace`` seconds runs again at the next start."""
        if self._launching is not None:  # a launch cannot be cut short: taking it down half-way breaks it loudly
            await asyncio.wait({self._launching})
            self._launching = None
        if self._bridge is not None:
            from dbos import DBOS  # noqa: PLC0415  0.3 s, only where needed

            await self._bridge.close(grace)
            await asyncio.to_thread(DBOS.destroy, destroy_registry=True)
            self._bridge = None
        if self._made_client is not None:
            await asyncio.to_thread(self._made_client.destroy)
            self._made_client = None

    async def failed(self) -> tuple[FailedJob, ...]:
        """The newest jobs that were given up, 100 at most. There should be none."""
        found = await asyncio.to_thread(
            self._client().list_workflows,
            status=["ERROR", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"],
            application_name=APPLICATION,
            limit=MOST_FAILED,
            sort_desc=True,
            load_input=False,
        )
        return tuple(FailedJob(one.workflow_id, str(one.error or one.status)) for one in found)

    def _client(self) -> "DBOSClient":
        if self._made_client is None:
            from dbos import DBOSClient, DBOSPortableJSONSerializer  # noqa: PLC0415  0.3 s, only where needed

            quiet()
            self._made_client = DBOSClient(
                system_database_url=self._url,
                dbos_system_schema=SCHEMA,
                application_name=APPLICATION,
                serializer=DBOSPortableJSONSerializer(),
                system_database_pool_size=1,
                lazy=True,
            )
        return self._made_client

    def _launch(self, bridge: Bridge) -> None:
        from dbos import DBOS  # noqa: PLC0415  0.3 s, only where needed

        prepare(self._url)
        self._client().register_queue(
            QUEUE,
            worker_concurrency=AT_ONCE,
            polling_interval_sec=self._poll_seconds,
            application_name=APPLICATION,
        )
        DBOS(config=self._config())

        @DBOS.workflow(name=WORKFLOW)
        def job(name: str, argument: str) -> None:
            bridge(name, argument)

        DBOS.launch()

    def _config(self) -> "DBOSConfig":
        from dbos import DBOSPortableJSONSerializer  # noqa: PLC0415  0.3 s, only where needed

        return {
            "name": APPLICATION,
            "system_database_url": self._url,
            "dbos_system_schema": SCHEMA,
            "sys_db_pool_size": CONNECTIONS,
            "application_version": VERSION,
            "executor_id": self._executor,
            "serializer": DBOSPortableJSONSerializer(),  # readable, and no pickles in the database
            "notification_listener_polling_interval_sec": LISTEN_EVERY,
            "run_migrations": False,
            "log_level": "WARNING",
            "enable_otlp": False,
        }


def engine_url(database_url: str) -> str:
    """The same database for the engine's own synchronous driver."""
    url = make_url(database_url)
    driver = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql+psycopg"
    return url.set(drivername=driver).render_as_string(hide_password=False)


def quiet() -> None:
    """Let the engine speak through our logging, warnings and worse only."""
    log = logging.getLogger("dbos")
    log.setLevel(logging.WARNING)
    if not log.handlers:
        log.addHandler(logging.NullHandler())  # else it adds a console of its own


def prepare(database_url: str) -> None:
    """Create or update the engine's own tables: beside ours on SQLite, in schema "dbos" on PostgreSQL. Blocks."""
    from dbos import DBOS  # noqa: PLC0415  0.3 s, only where needed

    quiet()
    teach_all()
    url = engine_url(database_url)
    if url.startswith("sqlite"):
        engine = create_engine(url)
        with engine.connect() as connection:
            connection.execute(text("PRAGMA journal_mode=WAL"))
        engine.dispose()
    DBOS.migrate(url, schema=SCHEMA)
