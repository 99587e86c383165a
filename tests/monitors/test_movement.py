"""A lever of the class does not show in time: the room is asked about the class, once."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Scope
from bot.incident.model import Agent, Catalogue
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.incident.telemetry import Trace
from bot.monitors.movement import MovementWatch
from bot.response.choosing import Choice
from bot.response.declare import Declaration
from bot.response.orders import Order
from tests.response.conftest import ANA, BEN, Office
from tests.web.fakes import task

LIMIT = Order(MitigationKind.TURN_LIMIT, 6)


def watch(office: Office) -> MovementWatch:
    return MovementWatch(office.records, office.clock, office.verbs.gather)


def at_work(office: Office, *, loops_from: datetime, loops_until: datetime) -> None:
    """Four tasks a minute for the last hour and a half, looping between two moments."""
    now = office.clock.now()
    moments = [now - timedelta(seconds=15 * n) for n in range(4 * 85)]
    office.traces.kept = tuple(
        task(n, at, repeats=8 if loops_from <= at < loops_until else 1) for n, at in enumerate(moments, 1)
    )


@pytest.fixture
async def limited(office: Office) -> datetime:
    """Looping for eight minutes, classified so, and a turn limit since then; when it was set."""
    applied = office.clock.now()
    at_work(office, loops_from=applied - timedelta(minutes=8), loops_until=applied)
    await office.declared()
    await office.verbs.classify("INC-1", Choice(IncidentClass.LOOP, Cause.UNKNOWN, Severity.SEV1), ANA, "c")
    await office.verbs.apply("INC-1", LIMIT, ANA, "k")
    return applied


async def test_what_goes_on_is_asked_about_once_and_the_question_ends_with_an_answer(
    office: Office, limited: datetime
) -> None:
    office.later(minutes=9)
    at_work(office, loops_from=limited - timedelta(minutes=8), loops_until=office.clock.now())
    assert await watch(office).look() == 0
    office.later(minutes=2)
    at_work(office, loops_from=limited - timedelta(minutes=8), loops_until=office.clock.now())
    assert await watch(office).look() == 1
    assert await watch(office).look() == 0
    state = await office.verbs.look.state("INC-1")
    assert state.doubt
    assert state.doubt.incident_class is IncidentClass.LOOP
    assert office.posted()[-1].startswith("Turn limit 6 has been in force for 11 min and does not show: ")
    assert office.posted()[-1].endswith(
        "Is it LOOP? Look at the class again on the card: change it, or confirm it with a word why."
    )

    kept = Choice(IncidentClass.LOOP, Cause.UNKNOWN, Severity.SEV1, comment="the old tasks are still running")
    assert (await office.verbs.classify("INC-1", kept, BEN, "c2")).doubt is None
    assert await watch(office).look() == 0


async def test_what_helps_is_not_asked_about(office: Office, limited: datetime) -> None:
    office.later(minutes=11)
    at_work(office, loops_from=limited - timedelta(minutes=8), loops_until=limited)
    assert await watch(office).look() == 0
    assert "class_doubted" not in office.told()


@pytest.mark.parametrize(
    ("incident", "scope", "asked"),
    [("production", "", 0), ("staging", "", 1), ("production", "staging", 1), ("staging", "production", 0)],
)
async def test_a_lever_is_judged_where_it_is_in_force_or_else_where_the_incident_is(
    office: Office, incident: str, scope: str, asked: int
) -> None:
    """Both environments loop until the lever; then staging goes on."""
    office.catalogue = Catalogue((Agent("helpdesk-agent", environments=("production", "staging")),))
    began = office.clock.now()

    def until(moment: datetime, environment: str) -> list[Trace]:
        at_work(office, loops_from=began - timedelta(minutes=8), loops_until=moment)
        return [replace(one, id=f"{environment[0]}{one.id[1:]}", environment=environment) for one in office.traces.kept]

    office.traces.kept = (*until(began, "production"), *until(began, "staging"))
    await office.verbs.declare(Declaration("It loops", "helpdesk-agent", incident), ANA, "d")
    await office.tasks.settle()
    await office.verbs.classify("INC-1", Choice(IncidentClass.LOOP, Cause.UNKNOWN, Severity.SEV1), ANA, "c")
    await office.verbs.apply("INC-1", replace(LIMIT, scope=Scope(environment=scope)), ANA, "k")
    office.later(minutes=11)
    office.traces.kept = (*until(began, "production"), *until(office.clock.now(), "staging"))
    assert await watch(office).look() == asked


async def test_nothing_is_asked_without_tasks_to_tell_from(office: Office, limited: datetime) -> None:
    del limited
    office.later(minutes=11)
    office.traces.kept = ()
    assert await watch(office).look() == 0


async def test_a_class_that_is_set_later_gets_its_own_time(office: Office, limited: datetime) -> None:
    office.later(minutes=11)
    at_work(office, loops_from=limited - timedelta(minutes=8), loops_until=office.clock.now())
    other = Choice(IncidentClass.TOOL, Cause.TOOL_OR_API, Severity.SEV1, comment="search fails")
    await office.verbs.classify("INC-1", other, BEN, "c2")
    assert await watch(office).look() == 0  # a turn limit moves nothing in a TOOL
