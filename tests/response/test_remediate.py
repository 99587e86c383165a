"""Repairing: locked with its reasons, opened by an evaluation of now or an override, and on the timeline to its end."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest

from bot.incident.errors import BadInput, Closed, Locked, NotFound
from bot.incident.remediation import Outcome, Wish
from bot.incident.rules import RemediationKind
from bot.incident.state import IncidentState
from bot.incident.taxonomy import Cause, IncidentClass, Severity
from bot.incident.telemetry import EvalScore, Trace
from bot.response.choosing import Choice
from tests.response.conftest import ANA, BEN, Office
from tests.web.fakes import task

BACK = Wish(RemediationKind.ROLLBACK, "p-118")
RESTART = Wish(RemediationKind.RESTART)


def judged(number: int, at: datetime, prompt: str, *, passed: bool) -> tuple[Trace, EvalScore]:
    trace = replace(task(number, at), prompt_version=prompt)
    return trace, EvalScore("helpful", trace.start_ns, trace.agent, passed=passed, trace_id=trace.id)


@pytest.fixture
async def degraded(office: Office) -> IncidentState:
    """Answers got worse twelve minutes ago, as p-119 came in; it is QUAL and our prompt."""
    now, tasks = office.clock.now(), []
    for n in range(4 * 75):
        age = timedelta(seconds=15 * n)
        new = age < timedelta(minutes=12)
        tasks.append(judged(n + 1, now - age, "p-119" if new else "p-118", passed=n % 2 == 0 if new else n % 20 > 0))
    office.traces.kept = tuple(trace for trace, _ in tasks)
    office.traces.scored = tuple(score for _, score in tasks)
    await office.declared("Answers are nonsense")
    choice = Choice(IncidentClass.QUAL, Cause.OUR_PROMPT, Severity.SEV2)
    return await office.verbs.classify("INC-1", choice, ANA, "c")


async def test_before_a_class_everything_is_locked_and_says_so(office: Office) -> None:
    await office.declared()
    with pytest.raises(Locked, match="Restart is locked: locked until class and suspected cause are set") as refused:
        await office.verbs.remediate("INC-1", RESTART, "it hangs", ANA, "r")
    assert "a second person then has to approve it" in str(refused.value)
    assert office.told()[-1] == "remediation_refused"


async def test_a_rollback_waits_for_an_evaluation_of_now(office: Office, degraded: IncidentState) -> None:
    offers = {one.wish: one for one in await office.verbs.remediations(degraded.incident.key)}
    assert not offers[BACK].permission.granted
    assert "20 are needed" in offers[BACK].permission.reason
    with pytest.raises(Locked, match="passes 1 of 1 verdicts"):
        await office.verbs.remediate("INC-1", BACK, "p-119 is worse", ANA, "r1")

    await office.verbs.evaluate.ask("INC-1", "p-118", ANA, "e")
    await office.verbs.evaluate.ask("INC-1", "p-118", BEN, "e2")
    assert sum("asks for an evaluation of p-118" in text for text in office.posted()) == 1
    office.later(minutes=4)
    now = office.clock.now()
    fresh = [judged(900 + n, now - timedelta(seconds=n), "p-118", passed=n != 7) for n in range(1, 31)]
    office.traces.kept = (*office.traces.kept, *(trace for trace, _ in fresh))
    told = [score for _, score in fresh]
    as_records = [score._replace(at_ns=score.at_ns + 1) for score in told]  # the same verdicts, told in both ways
    office.traces.scored = (*office.traces.scored, *told, *as_records)

    state = await office.verbs.remediate("INC-1", BACK, "p-119 is worse", ANA, "r2")
    await office.verbs.remediate("INC-1", BACK, "p-119 is worse", ANA, "r2")
    (started,) = state.remediations.values()
    assert started.fact.override is None
    assert "p-118 passes 30 of 31 verdicts since" in " ".join(started.fact.grounds)
    assert office.told().count("remediation_started") == 1
    assert office.posted()[-1] == "Roll back to p-118 started by ana: p-119 is worse."


async def test_a_result_from_elsewhere_counts_with_the_name_of_who_reports_it(
    office: Office, degraded: IncidentState
) -> None:
    await office.verbs.evaluate.report("INC-1", "p-118", 25, 50, BEN, "e1")
    with pytest.raises(Locked, match="passes 25 of 50 now, worse than"):
        await office.verbs.remediate("INC-1", BACK, "worse", ANA, "r1")
    await office.verbs.evaluate.report("INC-1", "p-118", 49, 50, BEN, "e2")
    offers = {one.wish: one for one in await office.verbs.remediations(degraded.incident.key)}
    assert offers[BACK].permission.granted
    found = offers[BACK].evaluation
    assert found
    assert found.source == "ben"


async def test_an_outcome_ends_it_once_and_the_postmortem_tells_it(office: Office, degraded: IncidentState) -> None:
    state = await office.verbs.remediate("INC-1", RESTART, "fresh start", ANA, "r")
    (name,) = state.remediations
    await office.verbs.remediate.end("INC-1", name, Outcome.FAILED, "no change", BEN, "o1")
    state = await office.verbs.remediate.end("INC-1", name, Outcome.WORKED, "", BEN, "o2")
    ended = state.remediations[name].ended
    assert ended
    assert ended.outcome is Outcome.FAILED
    told = [one.text for one in (await office.verbs.postmortem(degraded.incident.key)).mitigations]
    assert any("Restart failed: no change." in text for text in told)
    with pytest.raises(NotFound):
        await office.verbs.remediate.end("INC-1", "other", Outcome.WORKED, "", BEN, "o3")


async def test_what_is_missing_or_too_late_is_said(office: Office, degraded: IncidentState) -> None:
    key = degraded.incident.key
    with pytest.raises(BadInput, match="Say in a few words why"):
        await office.verbs.remediate(key, RESTART, " ", ANA, "r")
    with pytest.raises(BadInput, match="Name the version"):
        await office.verbs.remediate(key, Wish(RemediationKind.ROLLBACK), "why", ANA, "r")
    with pytest.raises(BadInput, match="how many of them passed"):
        await office.verbs.evaluate.report(key, "p-118", 5, 4, ANA, "e")
    with pytest.raises(BadInput, match="The override has 9000 characters"):
        await office.verbs.remediate(key, RESTART, "why", ANA, "r", "x" * 9000)
    await office.verbs.resolve(key, "over", frozenset(), ANA, "x")
    with pytest.raises(Closed, match="takes no remediation"):
        await office.verbs.remediate(key, RESTART, "why", ANA, "r")
