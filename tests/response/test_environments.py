"""One agent in two environments: what burns in one is not the other's incident."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.incident.errors import Contraindicated
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Scope
from bot.incident.model import Agent, Catalogue
from bot.incident.taxonomy import IncidentClass, Severity
from bot.ports import SourceFound
from bot.response.declare import Declaration
from bot.response.gather import Gather
from bot.response.orders import Order
from bot.response.sources import Sources
from tests.fakes.clock import FakeClock
from tests.fakes.verbs import KeptTraces
from tests.response.conftest import AGENT, ANA, Office
from tests.response.test_sources import Vendor
from tests.taxonomies import TAXONOMY
from tests.web.fakes import looping_since

PRODUCTION, STAGING = "production", "staging"
BOTH = Catalogue((Agent(AGENT, environments=(PRODUCTION, STAGING)),))


def burning(office: Office, where: str, well: str) -> None:
    """Five minutes of loops in one environment; in the other, ``well``, the same traffic without them."""
    now = office.clock.now()
    bad, judged = looping_since(now - timedelta(minutes=5))
    good, fine = looping_since(now + timedelta(minutes=1), minutes=61)  # what comes after now is not read
    office.traces.kept = (
        *(replace(task, environment=where) for task in bad),
        *(replace(task, id=f"f{task.id[1:]}", environment=well) for task in good),
    )
    office.traces.scored = (*judged, *(replace(score, trace_id=f"f{(score.trace_id or '')[1:]}") for score in fine))


async def suggested(office: Office, environment: str) -> IncidentClass | None:
    """What telemetry looks like in the incident that is declared there, frozen and live."""
    key = (await office.verbs.declare(Declaration("It is odd", AGENT, environment), ANA, environment))[0].incident.key
    await office.tasks.settle()
    state = await office.verbs.look.state(key)
    frozen = await office.verbs.look.bundle(state)
    assert frozen is not None
    assert frozen.environment == environment
    _, live = await office.verbs.classify.suggested(state)
    assert state.suggested is not None
    assert state.suggested.incident_class is live.incident_class
    return live.incident_class


@pytest.mark.parametrize(("burns", "well"), [(STAGING, PRODUCTION), (PRODUCTION, STAGING)])
async def test_what_burns_in_one_environment_is_not_the_other_s_incident(office: Office, burns: str, well: str) -> None:
    office.catalogue = BOTH
    burning(office, burns, well)
    assert await suggested(office, burns) is IncidentClass.LOOP
    assert await suggested(office, well) is None
    outlook = await office.verbs.outlook("INC-2")
    assert outlook.recovered is True
    frozen = await office.verbs.look.bundle(await office.verbs.look.state("INC-2"))
    assert frozen is not None
    assert frozen.left_out == {burns: 260}
    assert (await office.verbs.look.state("INC-2")).evidence_summary[-1] == f"260 tasks of {burns} are not counted"


async def test_without_a_wish_it_is_the_catalogue_s_first_environment(office: Office) -> None:
    office.catalogue = BOTH
    burning(office, STAGING, PRODUCTION)
    suggest = office.verbs.suggest
    together = [
        await suggest(AGENT),
        await suggest(AGENT, environment=STAGING),
        await suggest(AGENT, environment="all"),
    ]
    assert [(bundle.environment, tree.incident_class) for bundle, tree in together] == [
        (PRODUCTION, None),
        (STAGING, IncidentClass.LOOP),
        ("", IncidentClass.LOOP),
    ]
    assert together[2][0].environments == {STAGING: 260, PRODUCTION: 240}


async def test_production_that_fell_silent_is_not_taken_for_staging_that_is_well(office: Office) -> None:
    """The catalogue lists both, so a look that finds no task of production shows none."""
    burning(office, PRODUCTION, STAGING)
    office.traces.kept = tuple(task for task in office.traces.kept if task.environment == STAGING)
    office.catalogue = BOTH
    bundle = await office.verbs.gather(AGENT)
    assert bundle.left_out == {STAGING: 240}
    failures, age = bundle.signal("task_failures"), bundle.signal("span_age")
    assert failures is not None
    assert age is not None
    assert (failures.n, age.value) == (0, None)


async def test_tasks_under_a_name_the_catalogue_does_not_have_count_and_it_is_said(office: Office) -> None:
    burning(office, "live", "live")
    bundle = await office.verbs.gather(AGENT, environment="PROD")
    assert (dict(bundle.left_out), dict(bundle.environments)) == ({}, {"live": 500})


async def test_what_other_places_keep_is_told_apart_too_and_no_source_takes_it_away() -> None:
    now = FakeClock().now()
    tasks, _ = looping_since(now - timedelta(minutes=5))
    here = KeptTraces(tuple(replace(task, environment=STAGING) for task in tasks[:3]))
    fuller = tuple(replace(task, environment=None, spans=task.spans * 2) for task in tasks[:3])
    there = Vendor(found=SourceFound(traces=(*fuller, *(replace(task, environment="prod") for task in tasks[3:9]))))
    gather = Gather(here, FakeClock(), BOTH, TAXONOMY, 0.2, Sources((there,)))
    bundle = await gather(AGENT, environment=PRODUCTION)
    assert dict(bundle.environments) == {STAGING: 3, "prod": 6}
    assert dict(bundle.left_out) == {STAGING: 3}


def misjudged(office: Office, *, of: str, beside: str) -> None:
    """Half an hour of tasks; every verdict on those of one environment is bad, on the other's good."""
    now: datetime = office.clock.now()
    tasks, scores = looping_since(now, minutes=30)
    where = {task.id: of if place % 3 else beside for place, task in enumerate(tasks)}
    office.traces.kept = tuple(replace(task, environment=where[task.id]) for task in tasks)
    office.traces.scored = tuple(replace(one, passed=where[one.trace_id or ""] == beside) for one in scores)


async def test_wrong_answers_in_staging_do_not_open_what_is_advised_against_in_production(office: Office) -> None:
    await office.classified(IncidentClass.QUAL, Severity.SEV3)
    halt = Order(MitigationKind.HALT)
    misjudged(office, of=STAGING, beside=PRODUCTION)
    with pytest.raises(Contraindicated):
        await office.verbs.apply("INC-1", halt, ANA, "k1")
    assert (await office.verbs.preview(halt, key="INC-1")).refusal
    misjudged(office, of=PRODUCTION, beside=STAGING)
    assert (await office.verbs.preview(halt, key="INC-1")).refusal == ""
    assert (await office.verbs.apply("INC-1", halt, ANA, "k2")).state.is_live


async def test_a_preview_counts_the_tasks_of_the_environment_the_lever_is_for(office: Office) -> None:
    office.catalogue = BOTH
    burning(office, STAGING, PRODUCTION)

    async def hour(environment: str) -> tuple[int | None, int]:
        order = Order(MitigationKind.STEP_CAP, 3, scope=Scope(environment=environment))
        return next((one.k, one.n) for one in (await office.verbs.preview(order, agent=AGENT)).reaches)

    everywhere, staging, production = await hour(""), await hour(STAGING), await hour(PRODUCTION)
    assert everywhere == (20, staging[1] + production[1])
    assert (staging[0], production[0]) == (20, 0)
