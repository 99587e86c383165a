"""One agent in two environments: what burns in one is not the other's incident."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.incident.classification import Question, Reply
from bot.incident.errors import Contraindicated
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Scope
from bot.incident.model import Agent, Catalogue
from bot.incident.remediation import Wish
from bot.incident.rules import RemediationKind
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.ports import JobName, SourceFound
from bot.response.choosing import Choice
from bot.response.declare import Declaration
from bot.response.gather import Gather, nanoseconds
from bot.response.orders import Order
from bot.response.sources import Sources
from tests.fakes.clock import FakeClock
from tests.fakes.verbs import KeptTraces
from tests.response.conftest import AGENT, ANA, BEN, Office
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
    office.traces.scored = (*judged, *(score._replace(trace_id=f"f{(score.trace_id or '')[1:]}") for score in fine))


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
    dialog = await office.verbs.classify.questions(key)
    asked = dialog.telemetry(Question.LOOPING).reply is Reply.YES
    assert asked == (live.incident_class is IncidentClass.LOOP) == (dialog.tree.incident_class is IncidentClass.LOOP)
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


@pytest.mark.parametrize(("where", "met"), [(STAGING, False), (PRODUCTION, True)])
async def test_the_recovery_gate_is_measured_where_the_incident_is(office: Office, where: str, *, met: bool) -> None:
    """And so is each step of a way out, whether the runbook has a gate or telemetry alone says that it is over."""
    office.catalogue = BOTH
    await office.verbs.declare(Declaration("It loops", AGENT, where), ANA, "d")
    await office.tasks.settle()
    lever = await office.verbs.apply("INC-1", Order(MitigationKind.TURN_LIMIT, 5, minutes=600), ANA, "k")
    asked = await office.verbs.plan_exit(lever.id, (8, 15), 20, "it recovers", ANA, "p")
    await office.verbs.decide(asked.approval, BEN, granted=True)
    for place, named in enumerate((None, IncidentClass.LOOP)):
        if named:
            await office.verbs.classify("INC-1", Choice(named, Cause.UNKNOWN, Severity.SEV1), ANA, "c")
        office.later(minutes=20)
        burning(office, STAGING, PRODUCTION)
        await office.timers(JobName.EXIT_STEP, lever.id)
        assert office.records.kept.levers[lever.id].value == ((8, 15)[place] if met else 5)
    await office.undo(office.records.kept.levers[lever.id])
    office.later(minutes=30)  # so long without a mitigation that it hides nothing
    burning(office, STAGING, PRODUCTION)
    recovery = (await office.verbs.outlook("INC-1")).recovery
    assert recovery is not None
    assert recovery.met is met


async def test_a_rollback_is_offered_where_the_new_version_is_seen_after_the_declaration(office: Office) -> None:
    office.catalogue = BOTH
    burning(office, STAGING, PRODUCTION)
    for where in (PRODUCTION, STAGING):
        await suggested(office, where)
    since = nanoseconds(office.clock.now() - timedelta(minutes=5))
    office.traces.kept = tuple(
        replace(task, agent_version="2" if task.environment == STAGING and task.start_ns >= since else "1")
        for task in office.traces.kept
    )
    production, staging = [await office.verbs.remediations(key) for key in ("INC-1", "INC-2")]
    back = Wish(RemediationKind.ROLLBACK, "1")
    assert back not in [offer.wish for offer in production]
    assert back in [offer.wish for offer in staging]


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
    office.traces.scored = tuple(one._replace(passed=where[one.trace_id or ""] == beside) for one in scores)


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


@pytest.mark.parametrize(("where", "offered"), [(STAGING, True), (PRODUCTION, False)])
async def test_a_tool_that_fails_in_staging_is_not_offered_to_be_disabled_in_production(
    office: Office, where: str, *, offered: bool
) -> None:
    office.catalogue = BOTH
    burning(office, STAGING, PRODUCTION)
    office.traces.kept = tuple(
        replace(task, spans=tuple(replace(step, error=bool(step.tool)) for step in task.spans))
        if task.environment == STAGING
        else task
        for task in office.traces.kept
    )
    await office.verbs.declare(Declaration("It is odd", AGENT, where), ANA, "d")
    kinds = {offer.kind for offer in await office.verbs.offers("INC-1", every=True)}
    assert (MitigationKind.DISABLE_TOOLS in kinds) is offered


async def test_a_preview_counts_the_tasks_of_the_environment_the_lever_is_for(office: Office) -> None:
    office.catalogue = BOTH
    burning(office, STAGING, PRODUCTION)

    async def hour(environment: str) -> tuple[int | None, int]:
        order = Order(MitigationKind.STEP_CAP, 3, scope=Scope(environment=environment))
        return next((one.k, one.n) for one in (await office.verbs.preview(order, agent=AGENT)).reaches)

    everywhere, staging, production = await hour(""), await hour(STAGING), await hour(PRODUCTION)
    assert everywhere == (20, staging[1] + production[1])
    assert (staging[0], production[0]) == (20, 0)
