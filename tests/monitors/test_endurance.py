"""What the clock calls goes on, whatever is away for a moment, and changes each thing once."""

import asyncio
import logging
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.incident.composition import compose
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation, MitigationState
from bot.incident.model import IncidentKey
from bot.incident.proof import Delivery
from bot.incident.taxonomy import IncidentClass, Severity
from bot.monitors import proof, retention
from bot.monitors.retention import Retention
from bot.ports import JobName, TelemetryRetention
from bot.response.orders import Order
from tests.fakes.clock import START, FakeClock
from tests.fakes.verbs import ObeyedControl
from tests.response.conftest import ANA, BEN, Office
from tests.web.memory import MemoryRecords

LIMIT = Order(MitigationKind.TURN_LIMIT, 6)
HALT = Order(MitigationKind.HALT)


async def until(done: asyncio.Event, running: asyncio.Task[None]) -> None:
    """Let ``running`` go until ``done``, then end it; what it raised is raised here."""
    waiting = asyncio.ensure_future(done.wait())
    await asyncio.wait({waiting, running}, timeout=2, return_when=asyncio.FIRST_COMPLETED)
    assert done.is_set()
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@dataclass
class ForgetfulStore(TelemetryRetention):
    """A store that is away for the first ``failures`` times it is asked."""

    failures: int = 0
    limits: list[int] = field(default_factory=list)
    most_bytes: int = 0
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def delete_before(self, arrived_ns: int) -> int:
        self.limits.append(arrived_ns)
        if len(self.limits) <= self.failures:
            raise OSError("the disk is busy")
        self.answered.set()
        return 3

    async def delete_beyond(self, most_bytes: int) -> int:
        self.most_bytes = most_bytes
        return 2


async def test_telemetry_older_or_more_than_the_team_keeps_is_forgotten() -> None:
    store = ForgetfulStore()
    clock, records = FakeClock(), MemoryRecords()
    async with records.begin() as work:
        await work.requests.claim("old", "f", START)
        clock.advance(retention.KEYS_FOR)
        await work.requests.claim("young", "f", clock.now())
    clock.advance(1)
    assert await Retention(store, records, clock, timedelta(days=2), 10**9).look() == 5
    assert list(records.kept.remembered) == ["young"]
    assert store.most_bytes == 10**9
    assert store.limits == [int((clock.now() - timedelta(days=2)).timestamp()) * 10**9]


async def test_forgetting_goes_on_after_a_failure(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(retention, "EVERY", timedelta(0))
    store = ForgetfulStore(failures=2)
    running = asyncio.create_task(Retention(store, MemoryRecords(), FakeClock(), timedelta(days=2), 10**9).run())
    await until(store.answered, running)
    assert len([entry for entry in caplog.records if entry.levelno == logging.ERROR]) == 2


@dataclass
class SlowlyHeard(ObeyedControl):
    """Two instances, of which ``heard`` have read; ``asked`` is set when somebody wants to know."""

    heard: int = 0
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    async def delivery(self, mitigation: Mitigation) -> Delivery:
        del mitigation
        self.asked.set()
        return Delivery(2, self.heard, 0.2 if self.heard else None)


async def test_the_proof_watch_outlives_a_database_that_is_away(
    office: Office, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(proof, "QUIET_AFTER_FAILURE", 0.0)
    office.control = control = SlowlyHeard()
    await office.declared()
    await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    office.records.failing = OSError("the database is away")
    running = asyncio.create_task(office.proofs.run())
    for _ in range(20):
        await asyncio.sleep(0)
    assert not running.done()
    office.records.failing = None
    await until(control.asked, running)
    assert len([entry for entry in caplog.records if entry.levelno == logging.ERROR]) == 1


async def test_each_instance_that_hears_moves_it_on_and_nothing_is_said_twice(office: Office) -> None:
    office.control = control = SlowlyHeard()
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    seen = []
    for control.heard in (0, 0, 1, 1, 2, 2):
        await office.proofs.look()
        seen.append((await office.verbs.look.state("INC-1")).mitigations[lever.id].mitigation.state)
    assert seen == [MitigationState.APPLIED] * 4 + [MitigationState.DELIVERED] * 2
    assert office.told().count("mitigation_proven") == 3


async def test_without_traffic_it_is_said_after_the_deadline_and_not_before(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    for seconds, expected in ((89, MitigationState.DELIVERED), (2, MitigationState.UNPROVEN)):
        office.later(seconds=seconds)
        await office.proofs.look()
        await office.proofs.look()
        assert office.records.kept.levers[lever.id].state is expected
    assert office.told().count("mitigation_proven") == 2


async def test_a_lever_undone_while_it_is_watched_stays_undone(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    watched = (await office.records.kept.mitigations.live())[0][0]
    await office.undo(lever)
    await office.proofs._prove(watched, compose(watched.agent, watched.scope, [watched], 1), ())
    assert "mitigation_proven" not in office.told()
    assert office.records.kept.levers[lever.id].state is MitigationState.REVERTED


async def test_every_job_may_run_twice_and_changes_nothing_the_second_time(office: Office) -> None:
    await office.declared(harm=True)
    await office.verbs.apply("INC-1", HALT, ANA, "k1")
    await office.verbs.apply("INC-1", LIMIT, ANA, "k2")
    slow = await office.verbs.apply("INC-1", Order(MitigationKind.STEP_CAP, 6, minutes=600), ANA, "k3")
    await office.verbs.decide(
        (await office.verbs.plan_exit(slow.id, (9,), 20, "", ANA, "p")).approval, BEN, granted=True
    )
    await office.verbs.revert(slow.id, "", ANA, "u")
    office.later(hours=2)
    jobs = tuple(office.records.kept.jobs_scheduled)
    assert {job.name for job in jobs} == set(JobName) - {JobName.MITIGATION_DRIVE}
    jobs = tuple(job for job in jobs if job.run_at <= office.clock.now())
    for job in jobs:
        await office.timers(job.name, job.argument)
    kept = office.records.kept.image()
    for job in jobs:
        await office.timers(job.name, job.argument)
    assert office.records.kept.image() == kept


async def test_an_expired_lever_says_what_is_in_force_now(office: Office) -> None:
    await office.declared()
    await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 9, minutes=120), ANA, "k1")
    short = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 3, minutes=5), ANA, "k2")
    office.later(minutes=5)
    await office.timers(JobName.MITIGATION_EXPIRY, short.id)
    assert list(office.posted()) == ["Turn limit 3 on helpdesk-agent has expired. Now in force: turn limit 9."]
    assert office.control.published == 3


async def test_a_held_halt_that_gets_more_time_is_held_again_when_that_is_over(office: Office) -> None:
    await office.declared(harm=True)
    lever = await office.verbs.apply("INC-1", HALT, ANA, "k")
    office.later(minutes=60)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    longer = await office.verbs.extend(lever.id, 30, BEN, "e")
    assert longer.state is not MitigationState.HELD
    assert longer.expires_at == office.clock.now() + timedelta(minutes=30)
    office.later(minutes=30)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    assert office.told().count("mitigation_held") == 2
    assert office.records.kept.levers[lever.id].state is MitigationState.HELD


async def test_a_halt_is_proven_still_after_it_was_held_and_extended(office: Office) -> None:
    await office.declared(harm=True)
    lever = await office.verbs.apply("INC-1", HALT, ANA, "k")
    await office.proofs.look()
    office.later(minutes=60)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    longer = await office.verbs.extend(lever.id, 30, BEN, "e")
    told = (await office.verbs.look.state("INC-1")).mitigations[lever.id].mitigation.state
    assert (longer.state, told) == (MitigationState.DELIVERED, MitigationState.DELIVERED)


async def test_a_severity_that_cannot_rise_any_more_is_left_alone(office: Office) -> None:
    await office.declared()
    await office.verbs.change_severity("INC-1", Severity.SEV1, "", ANA, "s")
    office.later(minutes=30)
    await office.timers(JobName.CLASSIFICATION_RAISE, "INC-1")
    assert office.told().count("severity_changed") == 1
    assert office.posted() == []


async def test_a_resolved_incident_is_neither_nudged_nor_raised(office: Office) -> None:
    await office.declared()
    await office.verbs.resolve("INC-1", "false alarm", frozenset(), ANA, "r")
    office.later(minutes=30)
    await office.timers(JobName.CLASSIFICATION_NUDGE, "INC-1")
    await office.timers(JobName.CLASSIFICATION_RAISE, "INC-1")
    assert office.posted() == []


async def test_what_stays_on_after_the_end_still_expires(office: Office) -> None:
    await office.classified(IncidentClass.LOOP)
    lever = await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    await office.verbs.resolve("INC-1", "over", frozenset({lever.id}), BEN, "r")
    office.later(minutes=60)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    state = await office.verbs.look.state(IncidentKey("INC-1"))
    assert state.mitigations[lever.id].mitigation.state is MitigationState.EXPIRED
    assert not state.status.is_open
