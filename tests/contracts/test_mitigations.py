"""Promises of mitigations and of the audit of controls, on every database."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Delete, Update, delete, select, update

from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import EVERYWHERE, Mitigation, MitigationState, OnExpiry
from bot.incident.model import IncidentKey, Person
from bot.incident.timeline import MitigationApplied, MitigationReverted
from bot.ports import NewIncident
from bot.storage.database import Database
from bot.storage.records import SqlRecords
from bot.storage.tables.incidents import control_audit
from tests.fakes.clock import START
from tests.fakes.scheduler import NoJobs

ANA, BEN = Person("U1", "Ana"), Person("U2", "Ben")
INC = IncidentKey("INC-1")


@pytest.fixture
async def records(database: Database) -> SqlRecords:
    records = SqlRecords(database, NoJobs())
    async with records.begin() as work:
        await work.incidents.open(NewIncident("Loop", "helpdesk", "production", START, ANA), "c")
    return records


def lever(name: str, agent: str = "helpdesk", minutes: int = 0) -> Mitigation:
    at = START + timedelta(minutes=minutes)
    ends = at + timedelta(hours=1)
    kind, limit = MitigationKind.TURN_LIMIT, 5
    return Mitigation(name, kind, agent, EVERYWHERE, limit, "contain", INC, ANA, at, ends, OnExpiry.REVERT)


async def put(records: SqlRecords, mitigation: Mitigation) -> Mitigation:
    async with records.begin() as work:
        return await work.mitigations.put(mitigation)


async def test_every_change_of_an_agent_raises_its_revision(records: SqlRecords) -> None:
    first = await put(records, lever("a"))
    second = await put(records, lever("b"))
    other = await put(records, lever("c", agent="billing"))
    third = await put(records, first.moved(MitigationState.DELIVERED))
    assert [m.revision for m in (first, second, other, third)] == [1, 2, 1, 3]
    async with records.look() as work:
        assert await work.mitigations.get("a") == third
        assert await work.mitigations.get("nothing") is None


async def test_only_mitigations_in_force_are_live_oldest_first(records: SqlRecords) -> None:
    late, early = await put(records, lever("late", minutes=9)), await put(records, lever("early"))
    gone = await put(records, lever("gone"))
    await put(records, gone.moved(MitigationState.REVERTED))
    async with records.look() as work:
        live, revisions = await work.mitigations.live()
    assert live == (early, late)
    assert revisions == {"helpdesk": 4}


async def test_changes_made_at_once_get_a_revision_each(records: SqlRecords) -> None:
    put_at_once = await asyncio.gather(*(put(records, lever(f"m{n}")) for n in range(8)))
    assert sorted(m.revision for m in put_at_once) == list(range(1, 9))
    assert await records.audit_breaks() == ()


async def test_the_audit_says_who_did_what_and_why(records: SqlRecords, database: Database) -> None:
    async with records.begin() as work:
        applied = await work.mitigations.put(lever("a"))
        await work.timelines.append(INC, MitigationApplied(applied, "no control", "turn limit 5"), ANA, START)
    later = START + timedelta(minutes=5)
    async with records.begin() as work:
        ended = await work.mitigations.put(applied.moved(MitigationState.REVERTED))
        fact = MitigationReverted("a", "it works again", "turn limit 5", "no control")
        await work.timelines.append(INC, fact, BEN, later)
    async with database.read() as connection:
        rows = (await connection.execute(select(control_audit).order_by(control_audit.c.revision))).all()
    assert [(r.actor, r.action, r.at, r.reason) for r in rows] == [
        ("U1", "mitigation_applied", START, "contain"),
        ("U2", "mitigation_reverted", later, "it works again"),
    ]
    assert rows[0].before is None
    assert (rows[1].before["state"], rows[1].after["state"]) == ("applied", ended.state.value)
    assert rows[1].previous_hash == rows[0].hash
    assert await records.audit_breaks() == ()


async def test_a_change_that_no_event_explains_is_audited_all_the_same(records: SqlRecords, database: Database) -> None:
    await put(records, lever("a"))
    async with database.read() as connection:
        row = (await connection.execute(select(control_audit))).one()
    assert (row.actor, row.action, row.at.tzinfo is not None) == ("unknown", "applied", True)
    assert await records.audit_breaks() == ()


@pytest.mark.parametrize(
    ("tampering", "sentence"),
    [
        (update(control_audit).values(actor="somebody"), "helpdesk: revision 1 was changed after it was written."),
        (delete(control_audit).where(control_audit.c.revision == 2), "helpdesk: revision 2 is missing."),
        (delete(control_audit).where(control_audit.c.revision == 3), "helpdesk: revision 3 is missing."),
    ],
)
async def test_tampering_with_the_audit_shows(
    records: SqlRecords, database: Database, tampering: Update | Delete, sentence: str
) -> None:
    for name in "abc":
        await put(records, lever(name))
    async with database.write() as connection:
        await connection.execute(tampering)
    assert await records.audit_breaks() == (sentence,)


async def test_a_change_that_is_undone_leaves_no_trace(records: SqlRecords) -> None:
    async def half_done() -> None:
        async with records.begin() as work:
            await work.mitigations.put(lever("a"))
            raise ValueError("a later step fails")

    with pytest.raises(ValueError, match="later step"):
        await half_done()
    async with records.look() as work:
        assert await work.mitigations.live() == ((), {})
    assert await records.audit_breaks() == ()


async def test_locks_are_always_taken_in_the_same_order(records: SqlRecords) -> None:
    """One records first and changes then, the other changes first: neither waits for the other in a circle."""
    applied = await put(records, lever("a"))

    async def records_first() -> None:
        async with records.begin() as work:
            await work.timelines.append(INC, MitigationApplied(applied, "", ""), ANA, START)
            await asyncio.sleep(0.02)
            await work.mitigations.put(applied)

    async def changes_first() -> None:
        async with records.begin() as work:
            await work.mitigations.put(replace(applied, value=3))
            await asyncio.sleep(0.02)
            await work.timelines.append(INC, MitigationApplied(applied, "", ""), BEN, START)

    await asyncio.gather(records_first(), changes_first(), records_first(), changes_first())
    assert await records.audit_breaks() == ()
