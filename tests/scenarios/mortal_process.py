"""A process of the bot's lower half, to be killed: ``mortal_process.py declare|resume DATABASE_URL``.

``declare`` opens an incident with everything that belongs to it in one transaction, says READY
in the midst of its first job and would go on for ever. ``resume`` runs what is left and ends.
Every run of a job leaves a note, and its effect is recorded under an idempotency key.
"""

import asyncio
import sys
from datetime import timedelta

from bot.engine.clock import SystemClock
from bot.engine.jobs import DurableJobs
from bot.incident.facts.declaring import Declared
from bot.incident.facts.mitigating import MitigationApplied
from bot.incident.facts.people import NoteAdded
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import EVERYWHERE, Mitigation, OnExpiry
from bot.incident.model import FIRSTFIVE, IncidentKey, Person, Via
from bot.incident.taxonomy import Severity
from bot.ports import Job, JobName, NewIncident, RoomTask, RoomTaskKind
from bot.storage.database import Database
from bot.storage.records import SqlRecords

ANA = Person("U1", "Ana")
KEY = IncidentKey("INC-1")
CLOCK = SystemClock()
NUDGE_AFTER, EXPIRE_AFTER = timedelta(seconds=1.5), timedelta(seconds=2)
EFFECTS = frozenset({"effect of freeze_evidence", "effect of classification_nudge", "effect of mitigation_expiry"})


async def note(records: SqlRecords, text: str, idem: str | None = None) -> None:
    async with records.begin() as work:
        await work.timelines.append(KEY, NoteAdded(text, "api", FIRSTFIVE), FIRSTFIVE, CLOCK.now(), idem)


async def declare(records: SqlRecords) -> None:
    now = CLOCK.now()
    ends = now + EXPIRE_AFTER
    fact = Declared("Loop", "helpdesk", "production", Severity.SEV2, harm_now=False, via=Via.SLACK, detection="")
    lever = Mitigation(
        "lever", MitigationKind.HALT, "helpdesk", EVERYWHERE, True, "contain", KEY, ANA, now, ends, OnExpiry.REVERT
    )
    async with records.begin() as work:
        incident, _ = await work.incidents.open(NewIncident("Loop", "helpdesk", "production", now, ANA), "click")
        await work.timelines.append(incident.key, fact, ANA, now, "declared")
        applied = await work.mitigations.put(lever)
        await work.timelines.append(incident.key, MitigationApplied(applied, "no control", "halted"), ANA, now, "apply")
        await work.outbox.put(RoomTask(RoomTaskKind.CONVERGE, incident.key))
        await work.outbox.put(RoomTask(RoomTaskKind.POST, incident.key, "hello", {"text": "hello"}))
        await work.jobs.schedule(Job(JobName.FREEZE_EVIDENCE, "freeze", incident.key, now))
        await work.jobs.schedule(Job(JobName.CLASSIFICATION_NUDGE, "nudge", incident.key, now + NUDGE_AFTER))
        await work.jobs.schedule(Job(JobName.MITIGATION_EXPIRY, "expiry", applied.id, ends))


async def live_until_killed(records: SqlRecords, jobs: DurableJobs) -> None:
    async def run(name: JobName, _: str) -> None:
        await note(records, f"run of {name}")
        sys.stdout.write("READY\n")
        sys.stdout.flush()
        await asyncio.sleep(60)

    await jobs.start(run)
    await declare(records)
    await asyncio.sleep(60)


async def resume(records: SqlRecords, jobs: DurableJobs) -> None:
    async def run(name: JobName, argument: str) -> None:
        await note(records, f"run of {name}")
        await note(records, f"effect of {name}", f"{name}:{argument}")

    await jobs.start(run)
    for _ in range(900):
        async with records.look() as work:
            facts = [event.fact for event in await work.timelines.read(KEY)]
        if {fact.text for fact in facts if isinstance(fact, NoteAdded)} >= EFFECTS:
            break
        await asyncio.sleep(0.05)
    await jobs.stop()


async def main(part: str, url: str) -> None:
    database = Database(url)
    await database.upgrade()
    jobs = DurableJobs(url, CLOCK, poll_seconds=0.1)
    await (live_until_killed if part == "declare" else resume)(SqlRecords(database, jobs), jobs)
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
