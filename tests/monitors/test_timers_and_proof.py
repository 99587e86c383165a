"""What the clock does: nudge, raise, lift, hold, and watch until something is proven."""

from datetime import timedelta

from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import MitigationState, Scope
from bot.incident.taxonomy import IncidentClass, Severity
from bot.incident.telemetry import ModelCall, Span, SpanKind, Trace
from bot.ports import JobName
from bot.response.orders import Order
from tests.response.conftest import AGENT, ANA, BEN, Office


async def test_a_nudge_comes_once(office: Office) -> None:
    await office.declared()
    office.later(minutes=5)
    await office.timers(JobName.CLASSIFICATION_NUDGE, "INC-1")
    await office.timers(JobName.CLASSIFICATION_NUDGE, "INC-1")
    assert office.told().count("classification_overdue") == 1
    assert len(office.posted()) == 1


async def test_at_three_minutes_a_reminder_says_what_is_left(office: Office) -> None:
    await office.declared()
    office.later(minutes=3)
    for _ in range(2):
        await office.timers(JobName.CLASSIFICATION_REMINDER, "INC-1")
    assert office.told().count("classification_reminded") == 1
    assert office.posted() == ["2 min are left to name a class."]


async def test_a_reminder_that_comes_too_late_leaves_it_to_the_nudge(office: Office) -> None:
    await office.declared()
    office.later(minutes=6)
    await office.timers(JobName.CLASSIFICATION_REMINDER, "INC-1")
    assert office.posted() == []


async def test_what_is_classified_is_left_alone(office: Office) -> None:
    await office.classified(IncidentClass.LOOP)
    office.later(minutes=31)
    await office.timers(JobName.CLASSIFICATION_REMINDER, "INC-1")
    await office.timers(JobName.CLASSIFICATION_NUDGE, "INC-1")
    await office.timers(JobName.CLASSIFICATION_RAISE, "INC-1")
    assert office.posted() == []


async def test_half_an_hour_without_a_class_raises_it(office: Office) -> None:
    await office.declared()
    office.later(minutes=30)
    await office.timers(JobName.CLASSIFICATION_RAISE, "INC-1")
    await office.timers(JobName.CLASSIFICATION_RAISE, "INC-1")
    assert (await office.verbs.look.state("INC-1")).severity is Severity.SEV2


async def test_an_ended_lever_is_lifted_once_and_an_extended_one_not(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 6), ANA, "k")
    await office.verbs.extend(lever.id, 30, BEN, "e")
    office.later(minutes=60)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    assert "mitigation_expired" not in office.told()
    office.later(minutes=30)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    assert office.told().count("mitigation_expired") == 1


async def test_a_halt_for_harm_stays_on_and_somebody_is_called(office: Office) -> None:
    await office.declared(harm=True)
    lever = await office.verbs.apply("INC-1", Order(MitigationKind.HALT), ANA, "k")
    office.later(minutes=60)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    await office.timers(JobName.MITIGATION_EXPIRY, lever.id)
    state = await office.verbs.look.state("INC-1")
    assert state.mitigations[lever.id].mitigation.state is MitigationState.HELD
    assert [text for text in office.posted() if "stays on" in text] == office.posted()
    assert len(office.posted()) == 1


async def test_a_job_for_what_is_gone_does_nothing(office: Office) -> None:
    await office.timers(JobName.CLASSIFICATION_NUDGE, "INC-99")
    await office.timers(JobName.MITIGATION_EXPIRY, "nothing")


def task(office: Office, number: int, turns: int) -> Trace:
    """A finished task that starts now."""
    at = int(office.clock.now().timestamp() * 1e9)
    steps = [
        Span(f"{number:032x}", f"{turn:016x}", "0" * 15 + "f", SpanKind.LLM, "chat", at, at + 1, model=ModelCall())
        for turn in range(1, turns + 1)
    ]
    return Trace(f"{number:032x}", AGENT, at, at + 2, spans=tuple(steps))


async def test_proof_grows_from_applied_to_observed_and_is_not_repeated(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 6), ANA, "k")
    await office.proofs.look()
    office.later(seconds=2)
    office.traces.kept = [task(office, number, 4) for number in range(1, 4)]
    office.later(seconds=1)
    await office.proofs.look()
    await office.proofs.look()
    assert (await office.verbs.look.state("INC-1")).mitigations[lever.id].mitigation.state is MitigationState.OBSERVED
    assert office.told().count("mitigation_proven") == 2
    assert await office.proofs.look() == 0


async def test_a_task_that_does_not_obey_makes_it_ineffective(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 3), ANA, "k")
    office.later(seconds=2)
    office.traces.kept = [task(office, 1, 9)]
    office.later(seconds=1)
    await office.proofs.look()
    state = await office.verbs.look.state("INC-1")
    assert state.mitigations[lever.id].mitigation.state is MitigationState.INEFFECTIVE


async def test_no_traffic_is_no_proof(office: Office) -> None:
    await office.declared()
    lever = await office.verbs.apply("INC-1", Order(MitigationKind.HALT), ANA, "k")
    office.clock.advance(timedelta(minutes=3).total_seconds())
    await office.proofs.look()
    state = await office.verbs.look.state("INC-1")
    assert state.mitigations[lever.id].mitigation.state is MitigationState.UNPROVEN


async def test_a_share_for_one_environment_is_judged_by_its_traffic_before(office: Office) -> None:
    """In production a tenth of 40 tasks in ten minutes; the hundreds of staging must not make ten tasks look few."""
    await office.declared()

    def tasks(name: str, count: int, number: int) -> list[Trace]:
        now = int(office.clock.now().timestamp())
        starts = [now - 1 - place for place in range(count)]
        return [
            Trace(f"{number + place:032x}", AGENT, at * 10**9, at * 10**9 + 1, environment=name)
            for place, at in enumerate(starts)
        ]

    before = [*tasks("production", 40, 0), *tasks("staging", 400, 1000)]
    order = Order(MitigationKind.CANARY_SHARE, 10, scope=Scope(environment="production"))
    lever = await office.verbs.apply("INC-1", order, ANA, "k")
    office.later(minutes=2)
    office.traces.kept = (*before, *tasks("production", 10, 5000))
    await office.proofs.look()
    assert office.records.kept.levers[lever.id].state is MitigationState.INEFFECTIVE
