"""Promises of the durable jobs, on every database."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta

import pytest

from bot.engine.clock import SystemClock
from bot.engine.jobs import DurableJobs, prepare
from bot.incident.model import Person
from bot.ports import Job, JobName, NewIncident
from bot.storage.database import Database
from bot.storage.records import SqlRecords

ANA = Person("U1", "Ana")
CLOCK = SystemClock()


@pytest.fixture
async def jobs(database: Database) -> AsyncIterator[DurableJobs]:
    await asyncio.to_thread(prepare, database.url)
    jobs = DurableJobs(database.url, CLOCK, poll_seconds=0.05)
    yield jobs
    await jobs.stop(grace=0.1)


def nudge(argument: str, after: float = 0.0) -> Job:
    return Job(JobName.CLASSIFICATION_NUDGE, f"nudge:{argument}", argument, CLOCK.now() + timedelta(seconds=after))


async def schedule(database: Database, jobs: DurableJobs, *wanted: Job) -> None:
    async with SqlRecords(database, jobs).begin() as work:
        for job in wanted:
            await work.jobs.schedule(job)


async def until(condition: Callable[[], bool] | Callable[[], Awaitable[bool]], within: float = 30.0) -> None:
    for _ in range(int(within / 0.02)):
        answer = condition()
        if answer if isinstance(answer, bool) else await answer:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"not within {within} s")


async def test_jobs_run_once_when_their_time_has_come(database: Database, jobs: DurableJobs) -> None:
    ran: list[tuple[str, bool]] = []
    due = CLOCK.now() + timedelta(seconds=0.8)

    async def run(name: JobName, argument: str) -> None:
        assert name is JobName.CLASSIFICATION_NUDGE
        ran.append((argument, CLOCK.now() >= due))

    await schedule(database, jobs, nudge("now"), nudge("now"), nudge("later", after=0.8), nudge("tomorrow", after=9e4))
    await jobs.start(run)
    await until(lambda: len(ran) == 2)
    await schedule(database, jobs, nudge("now"))  # it has run already
    await asyncio.sleep(0.2)
    assert sorted(name for name, _ in ran) == ["later", "now"]
    assert dict(ran)["later"]
    assert await jobs.failed() == ()


async def test_a_job_belongs_to_the_transaction_that_wants_it(database: Database, jobs: DurableJobs) -> None:
    ran: list[str] = []
    records = SqlRecords(database, jobs)

    async def run(_: JobName, argument: str) -> None:
        ran.append(argument)

    async def half_done() -> None:
        async with records.begin() as work:
            await work.incidents.open(NewIncident("Loop", "helpdesk", "production", CLOCK.now(), ANA), "click")
            await work.jobs.schedule(nudge("undone"))
            raise ValueError("a later step fails")

    await jobs.start(run)
    with pytest.raises(ValueError, match="later step"):
        await half_done()
    await schedule(database, jobs, nudge("done"))
    await until(lambda: ran == ["done"])
    await asyncio.sleep(0.2)
    assert ran == ["done"]


async def test_a_job_that_fails_is_tried_again_and_in_the_end_reported(database: Database, jobs: DurableJobs) -> None:
    tries: list[str] = []

    async def run(_: JobName, argument: str) -> None:
        tries.append(argument)
        if argument == "hopeless" or tries.count(argument) == 1:
            raise OSError("the database is away")

    async def one_failed() -> bool:
        return len(await jobs.failed()) == 1

    await jobs.start(run, retry_after=(0.02, 0.02))
    await schedule(database, jobs, nudge("shaky"), nudge("hopeless"))
    await until(one_failed)
    (failed,) = await jobs.failed()
    assert (failed.id, failed.error) == ("nudge:hopeless", "the database is away")
    assert (tries.count("shaky"), tries.count("hopeless")) == (2, 3)


async def test_a_job_interrupted_by_a_stop_runs_again_at_the_next_start(database: Database, jobs: DurableJobs) -> None:
    begun, finished = asyncio.Event(), asyncio.Event()

    async def slow(_: JobName, __: str) -> None:
        begun.set()
        await asyncio.sleep(60)

    async def quick(_: JobName, __: str) -> None:
        finished.set()

    await jobs.start(slow)
    await schedule(database, jobs, nudge("slow"))
    await asyncio.wait_for(begun.wait(), 30)
    await jobs.stop(grace=0.01)
    assert not finished.is_set()
    await jobs.start(quick)
    await asyncio.wait_for(finished.wait(), 30)
    assert await jobs.failed() == ()
