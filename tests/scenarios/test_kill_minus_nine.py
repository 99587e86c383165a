"""The process dies between a declaration and its timers; the next one carries on."""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

from bot.engine.clock import SystemClock
from bot.engine.jobs import DurableJobs
from bot.incident.facts.declaring import Declared
from bot.incident.facts.mitigating import MitigationApplied
from bot.incident.facts.people import NoteAdded
from bot.incident.mitigation import MitigationState
from bot.incident.model import IncidentKey
from bot.incident.timeline import kind_of
from bot.storage.audit_trail import SqlAuditTrail
from bot.storage.database import Database
from bot.storage.outbox import SqlOutboxQueue
from bot.storage.records import SqlRecords
from tests.contracts.conftest import database_url

__all__ = ["database_url"]  # a fixture

ROOT = Path(__file__).parents[2]
KEY = IncidentKey("INC-1")
PATIENCE = 60.0  # seconds; a process starts slowly on a machine that is busy


async def started(part: str, url: str, *more: str, name: str = "mortal_process") -> asyncio.subprocess.Process:
    module = f"tests.scenarios.{name}"
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", module, part, url, *more, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )


async def killed_in_the_midst(url: str, *more: str, name: str = "mortal_process") -> None:
    process = await started("declare", url, *more, name=name)
    try:
        assert process.stdout is not None
        assert await asyncio.wait_for(process.stdout.readline(), PATIENCE) == b"READY\n"
    finally:
        process.kill()
        await process.communicate()
    assert process.returncode == -9


async def resumed(url: str, *more: str, name: str = "mortal_process") -> None:
    process = await started("resume", url, *more, name=name)
    try:
        await asyncio.wait_for(process.communicate(), PATIENCE)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    assert process.returncode == 0


async def test_a_killed_process_loses_no_timer_and_no_message(database_url: str) -> None:
    await killed_in_the_midst(database_url)
    await resumed(database_url)

    database = Database(database_url)
    jobs = DurableJobs(database_url, SystemClock())
    records = SqlRecords(database, jobs)
    async with records.look() as work:
        facts = [event.fact for event in await work.timelines.read(KEY)]
        live, revisions = await work.mitigations.live()
    assert [type(fact) for fact in facts[:2]] == [Declared, MitigationApplied]
    assert Counter(fact.text for fact in facts if isinstance(fact, NoteAdded)) == {
        "run of freeze_evidence": 2,  # it was running when the process died
        "effect of freeze_evidence": 1,
        "run of classification_nudge": 1,
        "effect of classification_nudge": 1,
        "run of mitigation_expiry": 1,
        "effect of mitigation_expiry": 1,
    }
    assert [mitigation.id for mitigation in live] == ["lever"]
    assert revisions == {"helpdesk": 1}

    queue = SqlOutboxQueue(database)
    waiting = []
    for _ in range(2):
        (task,) = await queue.claim(SystemClock().now(), 10)
        waiting.append(task.task.key or task.task.kind)
        await queue.done(task.id)
    assert waiting == ["converge", "hello"]
    assert await jobs.failed() == ()
    await jobs.stop()
    await database.close()


async def test_a_control_is_in_a_known_state_again_after_a_kill_between_write_and_answer(
    database_url: str, tmp_path: Path
) -> None:
    """The write is found by reading back, not made twice; what was undone alone falls back."""
    file = tmp_path / "vendor.json"
    await killed_in_the_midst(database_url, str(file), name="mortal_control")
    database = Database(database_url)
    records = SqlRecords(database, DurableJobs(database_url, SystemClock()))
    async with records.look() as work:
        live, _ = await work.mitigations.live()
    assert [(one.label, one.state) for one in live] == [("Turn limit 5", MitigationState.APPLYING)]

    await resumed(database_url, str(file), name="mortal_control")
    async with records.look() as work:
        live, _ = await work.mitigations.live()
        told = [kind_of(event.fact) for event in await work.timelines.read(KEY)]
    assert sorted((one.label, one.state) for one in live) == [
        ("Kill switch", MitigationState.APPLIED),
        ("Turn limit 5", MitigationState.APPLIED),
    ]
    assert (told.count("mitigation_confirmed"), told.count("approval_lapsed")) == (1, 1)
    assert len(json.loads(file.read_text(encoding="utf-8"))["keys"]) == 1
    breaks, checked = await SqlAuditTrail(database).breaks()
    assert (breaks, checked > 4) == ((), True)
    await database.close()
