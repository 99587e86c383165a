"""Promises of the timelines, on every database."""

import asyncio
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.engine.ids import RandomIds
from bot.incident.errors import NotFound
from bot.incident.facts.classifying import SeverityChanged
from bot.incident.facts.declaring import Declared
from bot.incident.facts.people import NoteAdded
from bot.incident.folding import fold
from bot.incident.model import Incident, IncidentKey, Person, Via
from bot.incident.taxonomy import Severity
from bot.incident.timeline import Event
from bot.ports import NewIncident, Records
from bot.storage.database import Database
from bot.storage.records import SqlRecords
from tests.fakes.clock import START
from tests.fakes.scheduler import NoJobs

ANA = Person("U1", "Ana")


@pytest.fixture
def records(database: Database) -> SqlRecords:
    return SqlRecords(database, NoJobs())


async def opened(records: Records, click: str) -> Incident:
    async with records.begin() as work:
        incident, _ = await work.incidents.open(NewIncident("Loop", "helpdesk", "production", START, ANA), click)
    return incident


async def note(records: Records, key: IncidentKey, text: str, idem: str | None = None) -> Event | None:
    async with records.begin() as work:
        return await work.timelines.append(key, NoteAdded(text, "command", ANA), ANA, START, idem)


async def events(records: Records, key: IncidentKey) -> tuple[Event, ...]:
    async with records.look() as work:
        return await work.timelines.read(key)


async def test_events_come_back_in_order_as_they_were_written(records: SqlRecords) -> None:
    key = (await opened(records, "c")).key
    fact = Declared("Loop", "helpdesk", "production", Severity.SEV2, harm_now=True, via=Via.SLACK, detection="")
    async with records.begin() as work:
        first = await work.timelines.append(key, fact, ANA, START)
        second = await work.timelines.append(key, NoteAdded("seen 👀", "pin", ANA), ANA, START)
    assert await events(records, key) == (first, second)
    assert first is not None
    assert first.id == "INC-1#1"


async def test_an_idempotency_key_counts_within_its_incident(records: SqlRecords) -> None:
    one, two = (await opened(records, "a")).key, (await opened(records, "b")).key
    assert await note(records, one, "first", "click")
    assert await note(records, one, "again", "click") is None
    assert await note(records, two, "elsewhere", "click")
    assert [event.fact for event in await events(records, one)] == [NoteAdded("first", "command", ANA)]


async def test_nothing_is_appended_to_an_incident_that_is_not_there(records: SqlRecords) -> None:
    with pytest.raises(NotFound):
        await note(records, IncidentKey("INC-404"), "hello")


async def test_notes_written_at_once_are_numbered_without_gaps(records: SqlRecords) -> None:
    key = (await opened(records, "c")).key
    await asyncio.gather(*(note(records, key, f"note {n}") for n in range(12)))
    assert [event.seq for event in await events(records, key)] == list(range(1, 13))


async def test_who_read_an_incident_to_change_it_is_not_overtaken(records: SqlRecords) -> None:
    key = (await opened(records, "c")).key

    async def append_if_empty(text: str) -> None:
        async with records.begin() as work:
            await work.incidents.get(key)
            if not await work.timelines.read(key):
                await asyncio.sleep(0.01)
                await work.timelines.append(key, NoteAdded(text, "command", ANA), ANA, START)

    await asyncio.gather(*(append_if_empty(f"by {n}") for n in range(4)))
    assert len(await events(records, key)) == 1


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    clicks=st.lists(st.tuples(st.integers(0, 1), st.sampled_from([None, "a", "b", "c"])), max_size=12),
)
async def test_any_interleaving_of_appends_is_gapless_and_keeps_each_click_once(
    records: SqlRecords, clicks: list[tuple[int, str | None]]
) -> None:
    keys = [(await opened(records, RandomIds().new())).key for _ in range(2)]
    answers = await asyncio.gather(*(note(records, keys[which], f"{idem}", idem) for which, idem in clicks))
    for which, key in enumerate(keys):
        kept = await events(records, key)
        wanted = [idem for at, idem in clicks if at == which]
        assert [event.seq for event in kept] == list(range(1, len(kept) + 1))
        assert len(kept) == wanted.count(None) + len({idem for idem in wanted if idem})
        mine = [answer for answer, (at, _) in zip(answers, clicks, strict=True) if at == which and answer]
        assert sorted(mine, key=lambda event: event.seq) == list(kept)


async def test_what_was_read_is_kept_and_what_was_undone_is_not(database: Database) -> None:
    """States are folded on from what was known; a transaction that is undone leaves nothing behind."""
    here, elsewhere = SqlRecords(database, NoJobs()), SqlRecords(database, NoJobs())
    incident = await opened(here, "c")
    await declared(here, incident.key)
    assert len(await events(here, incident.key)) == 1
    with pytest.raises(ZeroDivisionError):
        await undone(here, incident)
    assert await note(elsewhere, incident.key, "seen elsewhere")
    for records in (here, elsewhere, here):
        async with records.look() as work:
            told, state = await work.timelines.read(incident.key), await work.timelines.state(incident)
        assert [event.seq for event in told] == [1, 2]
        assert state == fold(incident, told)
        assert state.severity is Severity.SEV2
    async with here.begin() as work:
        await work.timelines.append(incident.key, SeverityChanged(Severity.SEV2, Severity.SEV1, "worse"), ANA, START)
        assert (await work.timelines.state(incident)).severity is Severity.SEV1


async def declared(records: Records, key: IncidentKey) -> None:
    fact = Declared("Loop", "helpdesk", "production", Severity.SEV2, harm_now=True, via=Via.SLACK, detection="")
    async with records.begin() as work:
        await work.timelines.append(key, fact, ANA, START)


async def undone(records: Records, incident: Incident) -> None:
    async with records.begin() as work:
        await work.timelines.append(incident.key, SeverityChanged(Severity.SEV2, Severity.SEV4, "no"), ANA, START)
        assert (await work.timelines.state(incident)).severity is Severity.SEV4
        raise ZeroDivisionError


async def test_incidents_are_found_by_a_kind_of_event_since_a_moment(records: SqlRecords) -> None:
    first, second = (await opened(records, "a")).key, (await opened(records, "b")).key
    for _ in range(2):
        await note(records, second, "seen")
    async with records.begin() as work:
        await work.timelines.append(first, NoteAdded("old", "command", ANA), ANA, START - timedelta(days=2), None)
    async with records.look() as work:
        assert await work.timelines.with_event(NoteAdded, START) == (second,)
        assert set(await work.timelines.with_event(NoteAdded, START - timedelta(days=3))) == {first, second}
        assert await work.timelines.with_event(Declared, START) == ()
