"""Promises of mitigations and of the audit of controls, on every database."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import Delete, Update, delete, select, update

from bot.incident.codec import encode
from bot.incident.facts.mitigating import MitigationApplied, MitigationProven, MitigationReverted
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import EVERYWHERE, Mitigation, MitigationState, OnExpiry, Scope
from bot.incident.model import FIRSTFIVE, IncidentKey, Person
from bot.incident.proof import Delivery, Effect, Proof, ReadBack, Verdict
from bot.incident.remediation import RemediationStarted, Wish
from bot.incident.rules import RemediationKind
from bot.ports import NewIncident
from bot.storage.audit import digest
from bot.storage.audit_trail import SqlAuditTrail
from bot.storage.database import Database
from bot.storage.records import SqlRecords
from bot.storage.tables.incidents import agent_revisions, control_audit, mitigations
from tests.fakes.clock import START
from tests.fakes.scheduler import NoJobs

NOT_THE_FIRST = ("helpdesk: revision 1 is not what is in force.",)
NOT_THE_LAST = ("helpdesk: revision 3 is not what is in force.",)
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


async def breaks(records: SqlRecords) -> tuple[str, ...]:
    found, _ = await SqlAuditTrail(records._database).breaks()
    return tuple(one.sentence for one in found)


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
    assert await breaks(records) == ()


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
    assert await breaks(records) == ()


async def test_a_change_that_no_event_explains_is_audited_all_the_same(records: SqlRecords, database: Database) -> None:
    await put(records, lever("a"))
    async with database.read() as connection:
        row = (await connection.execute(select(control_audit))).one()
    assert (row.actor, row.action, row.at.tzinfo is not None) == ("unknown", "applied", True)
    assert await breaks(records) == ()


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
    assert await breaks(records) == (sentence,)


async def test_a_change_that_is_undone_leaves_no_trace(records: SqlRecords) -> None:
    async def half_done() -> None:
        async with records.begin() as work:
            await work.mitigations.put(lever("a"))
            raise ValueError("a later step fails")

    with pytest.raises(ValueError, match="later step"):
        await half_done()
    async with records.look() as work:
        assert await work.mitigations.live() == ((), {})
    assert await breaks(records) == ()


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
    assert await breaks(records) == ()


async def test_the_audit_holds_what_a_reviewer_asks_for(records: SqlRecords, database: Database) -> None:
    asked = replace(lever("a"), last_key="click-1", requests=("req-7",), scope=Scope("production"))
    async with records.begin() as work:
        applied = await work.mitigations.put(asked)
        await work.timelines.append(INC, MitigationApplied(applied, "no control", "turn limit 5"), ANA, START)
    async with records.begin() as work:
        proof = Proof(
            ReadBack(confirmed=True, detail="reads 5"), Delivery(1, 1), Effect(Verdict.OBSERVED, 3, 3, "3 of 3")
        )
        await work.mitigations.put(applied.moved(MitigationState.OBSERVED))
        await work.timelines.append(INC, MitigationProven("a", proof), FIRSTFIVE, START)
    async with records.begin() as work:
        await work.mitigations.put(applied.moved(MitigationState.REVERTED))
        fact = MitigationReverted("a", "it is over", "turn limit 5", "no control", approved_by=BEN)
        await work.timelines.append(INC, fact, Person("cli:ana", "ana"), START)
    first, proven, last = await SqlAuditTrail(database).entries("helpdesk")
    assert (first["via"], first["scope"]["environment"], first["requests"], first["idempotency_key"]) == (
        "slack",
        "production",
        ["req-7"],
        "click-1",
    )
    assert (proven["via"], proven["evidence"]["effect"]["k"]) == ("timer", 3)
    assert (last["actor"], last["approver"], last["via"], last["action"]) == (
        "cli:ana",
        "U2",
        "cli",
        "mitigation_reverted",
    )
    assert [row["revision"] for row in await SqlAuditTrail(database).entries("helpdesk", 1, 1)] == [2]
    assert await breaks(records) == ()


async def test_rows_written_before_there_were_such_fields_still_hold(records: SqlRecords, database: Database) -> None:
    await put(records, lever("a"))
    old = {"approver": None, "via": None, "scope": None, "idempotency_key": None, "requests": None, "evidence": None}
    async with database.write() as connection:
        await connection.execute(update(control_audit).values(**old))
        row = dict((await connection.execute(select(control_audit))).mappings().one())
        plain = {name: value for name, value in row.items() if name not in old}
        await connection.execute(update(control_audit).values(hash=digest(plain)))
    assert await breaks(records) == ()
    await put(records, lever("b"))
    assert await breaks(records) == ()


async def test_a_chain_cut_short_with_its_counter_is_found_out_by_what_is_in_force(
    records: SqlRecords, database: Database
) -> None:
    lifted = await put(records, await put(records, lever("a")))
    await put(records, lifted.moved(MitigationState.REVERTED))
    async with database.write() as connection:
        await connection.execute(control_audit.delete().where(control_audit.c.revision == 3))
        await connection.execute(agent_revisions.update().values(revision=2))
    assert await breaks(records) == ("helpdesk: revision 3 is not what is in force.",)


async def test_a_control_loosened_past_the_audit_is_found_out(records: SqlRecords, database: Database) -> None:
    loose = encode(await put(records, lever("a"))) | {"value": 500}
    async with database.write() as connection:
        await connection.execute(mitigations.update().values(mitigation=loose))
    assert await breaks(records) == ("helpdesk: revision 1 is not what is in force.",)


@pytest.mark.parametrize(
    ("tampering", "sentences"),
    [
        (delete(mitigations).where(mitigations.c.id == "a"), NOT_THE_FIRST),
        (update(mitigations).where(mitigations.c.id == "a").values(live=False), NOT_THE_FIRST),
        (update(mitigations).where(mitigations.c.id == "a").values(incident="INC-9"), NOT_THE_FIRST),
        (
            update(mitigations).where(mitigations.c.id == "a").values(agent="billing"),
            ("billing: revision 1 is not what is in force.", *NOT_THE_FIRST),
        ),
        (update(mitigations).where(mitigations.c.id == "ended").values(live=True), NOT_THE_LAST),
        (delete(mitigations).where(mitigations.c.id == "ended"), NOT_THE_LAST),
        (update(agent_revisions).values(revision=2), ("helpdesk: revision 3 is later than the agent's counter.",)),
        (delete(agent_revisions), ("helpdesk: revision 3 is later than the agent's counter.",)),
    ],
)
async def test_a_control_taken_away_beside_the_audit_is_found_out(
    records: SqlRecords, database: Database, tampering: Update | Delete, sentences: tuple[str, ...]
) -> None:
    await put(records, lever("a"))
    ended = await put(records, lever("ended"))
    await put(records, ended.moved(MitigationState.REVERTED))
    assert await breaks(records) == ()
    async with database.write() as connection:
        await connection.execute(tampering)
    assert await breaks(records) == sentences


async def test_what_is_written_while_the_chains_are_read_is_no_break(records: SqlRecords) -> None:
    async def writes() -> None:
        for n in range(12):
            m = await put(records, lever(f"m{n}"))
            await put(records, m.moved(MitigationState.REVERTED))

    async def looks() -> list[tuple[str, ...]]:
        return [await breaks(records) for _ in range(12)]

    seen, _, _ = await asyncio.gather(looks(), writes(), put(records, lever("other", agent="billing")))
    assert set(seen) == {()}


async def test_proof_decides_nothing_and_everything_else_does(records: SqlRecords) -> None:
    applied, other = await put(records, lever("a")), await put(records, lever("b"))
    async with records.begin() as work:
        await work.mitigations.put(applied.moved(MitigationState.DELIVERED))
        proof = Proof(ReadBack(confirmed=True, detail=""), Delivery(1, 1), Effect(Verdict.WAITING, 0, 0, ""))
        await work.timelines.append(INC, MitigationProven("a", proof), FIRSTFIVE, START)
    async with records.look() as work:
        since = work.mitigations.decided_since
        assert [await since("helpdesk", 1), await since("helpdesk", 2), await since("billing", 0)] == [
            True,
            False,
            False,
        ]
        assert [await since("helpdesk", 1, "a"), await since("helpdesk", 1, "b")] == [False, True]
    await put(records, other.moved(MitigationState.REVERTED))
    async with records.look() as work:
        assert await work.mitigations.decided_since("helpdesk", 3)


async def test_a_mitigation_changed_by_a_transaction_that_is_undone_is_as_it_was(records: SqlRecords) -> None:
    first = await put(records, lever("a"))
    assert await live_ones(records) == (first,)
    with pytest.raises(ZeroDivisionError):
        await undone(records, replace(first, value=9))
    assert await live_ones(records) == (first,)
    other = SqlRecords(records._database, NoJobs())
    changed = await put(other, replace(first, value=7))
    assert changed.revision == first.revision + 1
    assert await live_ones(records) == (changed,)
    await put(other, changed.moved(MitigationState.REVERTED))
    assert await live_ones(records) == ()


async def undone(records: SqlRecords, mitigation: Mitigation) -> None:
    async with records.begin() as work:
        kept = await work.mitigations.put(mitigation)
        live, revisions = await work.mitigations.live()
        assert live == (kept,)
        assert revisions == await work.mitigations.revisions() == {kept.agent: kept.revision}
        raise ZeroDivisionError


async def live_ones(records: SqlRecords) -> tuple[Mitigation, ...]:
    async with records.look() as work:
        live, _ = await work.mitigations.live()
    return live


async def test_what_starts_in_spite_of_its_lock_stands_in_the_audit_of_its_agent(
    records: SqlRecords, database: Database
) -> None:
    await put(records, lever("a"))
    wish = Wish(RemediationKind.RESTART)
    forced = RemediationStarted("r1", wish, "it hangs", ("restart makes LOOP worse",), "the queue is empty", BEN)
    async with records.begin() as work:
        await work.timelines.append(INC, forced, ANA, START, "r1")
        await work.timelines.append(INC, RemediationStarted("r2", wish, "it may"), ANA, START, "r2")
    async with database.read() as connection:
        row = (await connection.execute(select(control_audit).where(control_audit.c.mitigation == ""))).one()
    assert (row.agent, row.revision, row.actor, row.approver) == ("helpdesk", 2, "U1", "U2")
    assert (row.action, row.reason) == ("remediation_started", "the queue is empty")
    assert row.evidence == {"against": ["restart makes LOOP worse"]}
    await put(records, lever("b"))
    assert await breaks(records) == ()
    async with database.write() as connection:
        await connection.execute(control_audit.delete().where(control_audit.c.mitigation == ""))
    assert await breaks(records) == ("helpdesk: revision 2 is missing.",)


async def test_an_override_of_advice_stands_in_the_audit_beside_the_reason(
    records: SqlRecords, database: Database
) -> None:
    async with records.begin() as work:
        made = await work.mitigations.put(lever("a"))
        await work.timelines.append(INC, MitigationApplied(made, "", "", "it pays out twice"), ANA, START)
    async with database.read() as connection:
        row = (await connection.execute(select(control_audit))).one()
    assert row.reason == "contain; in spite of advice: it pays out twice"
