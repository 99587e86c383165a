"""The decision tree on the simulated fleet (synthetic) and on what responders reply."""

from collections import Counter
from dataclasses import replace

import pytest

from bot.incident.answering import answers_from
from bot.incident.case_rules import CONVINCING
from bot.incident.cases import cases_of
from bot.incident.classification import Answer, Classification, Question, Reply
from bot.incident.evidence import Direction, EvidenceBundle, SourceStatus
from bot.incident.gathering import Gathered, gather
from bot.incident.look import look_at
from bot.incident.questions import open_questions
from bot.incident.reading import Reading
from bot.incident.severity import floor
from bot.incident.strength import strength
from bot.incident.taxonomy import Confidence, IncidentClass, Severity
from bot.incident.telemetry import EvalScore
from bot.incident.tree import classify
from tests.incident import stories
from tests.incident.agents_at_work import KINDS, MINUTE, START, Fleet, work
from tests.incident.faults import ONSET, H, on
from tests.taxonomies import QUESTIONS, TAXONOMY


def seen(fleet: Fleet, agent: str, minute: float) -> tuple[EvidenceBundle, Classification]:
    at_ns = START + int(minute * MINUTE)
    bundle = gather(agent, at_ns, Gathered(*fleet.until(agent, at_ns)), TAXONOMY)
    return bundle, classify(bundle, TAXONOMY)


@pytest.fixture(scope="module")
def looping() -> Fleet:
    return work(1, ONSET + 12, ONSET, on(H, 0.4, repeats=12))


@pytest.fixture(scope="module")
def healthy() -> Fleet:
    return work(2, 75)


def test_ordinary_hours_are_given_almost_no_class() -> None:
    looks = [
        seen(fleet, agent, minute)[1].incident_class
        for fleet in (work(seed, 75) for seed in range(500, 506))
        for minute in range(25, 75, 5)
        for agent in KINDS
    ]
    assert sum(found is not None for found in looks) <= 2, Counter(looks)


def test_a_fresh_and_flat_agent_has_no_class_and_says_so(healthy: Fleet) -> None:
    _, found = seen(healthy, H, 60)
    assert found.incident_class is None
    assert found.severity_floor is Severity.SEV4
    assert found.because == ("telemetry is fresh, and no signal moved far enough for a class",)


def test_an_agent_nobody_ever_heard_of_is_unknown_and_not_healthy() -> None:
    found = classify(gather("ghost", START, Gathered(), TAXONOMY), TAXONOMY)
    assert found.incident_class is IncidentClass.UNKN
    assert found.confidence is Confidence.LOW
    assert {answer.reply for answer in found.answers} == {Reply.NO, Reply.CANT_TELL}


def test_a_responder_overrides_telemetry_and_the_difference_is_flagged(looping: Fleet) -> None:
    bundle, found = seen(looping, H, ONSET + 10)
    assert found.incident_class is IncidentClass.LOOP
    said = Answer(Question.SECURITY, Reply.YES, "a customer saw another customer's data", by="U1")
    overruled = classify(bundle, TAXONOMY, {Question.SECURITY: said})
    assert overruled.incident_class is IncidentClass.SECU
    assert overruled.because[0] == "a customer saw another customer's data"
    assert any("U1 says yes to security" in flag for flag in overruled.flags)
    assert IncidentClass.LOOP in overruled.contributing


def test_when_people_say_no_to_everything_it_is_unknown_and_not_nothing(healthy: Fleet) -> None:
    bundle, _ = seen(healthy, H, 60)
    no: dict[Question, Answer] = {
        question: Answer(question, Reply.NO, "no", by="U1") for question in QUESTIONS if question != Question.FRESH
    }
    assert classify(bundle, TAXONOMY, no).incident_class is IncidentClass.UNKN


def test_harm_that_people_see_raises_the_floor(looping: Fleet) -> None:
    bundle, _ = seen(looping, H, ONSET + 10)
    harm = {Question.HARM_NOW: Answer(Question.HARM_NOW, Reply.YES, "it deletes accounts", by="U1")}
    assert classify(bundle, TAXONOMY, harm).severity_floor.rank <= Severity.SEV2.rank
    assert floor(IncidentClass.ACTN, bundle, TAXONOMY, harm_now=True)[0] is Severity.SEV1


def test_a_quarter_of_failing_tasks_is_a_sev1_whatever_the_class() -> None:
    bundle, found = seen(work(3, ONSET + 12, ONSET, on(H, 1.0, crash=0.6)), H, ONSET + 10)
    assert found.incident_class is IncidentClass.HARD
    assert found.severity_floor is Severity.SEV1
    assert "tasks fail" in found.floor_reason
    assert floor(None, bundle, TAXONOMY)[0] is Severity.SEV4


def test_answers_come_in_the_order_of_the_tree(looping: Fleet) -> None:
    bundle, found = seen(looping, H, ONSET + 10)
    assert [answer.question for answer in answers_from(look_at(bundle, TAXONOMY))] == list(QUESTIONS)
    asked = open_questions(found, TAXONOMY)
    assert Question.LOOPING in asked
    assert Question.FRESH not in asked


def test_a_missing_source_is_named_in_the_flags(healthy: Fleet) -> None:
    bundle, _ = seen(healthy, H, 60)
    missing = replace(bundle, sources=(SourceStatus("langfuse", 0, 0, "langfuse: timeout"),))
    assert "langfuse: timeout" in classify(missing, TAXONOMY).flags


def test_a_tool_that_always_answers_nothing_is_no_news(healthy: Fleet) -> None:
    failures = seen(healthy, H, 70)[0].signal("task_failures")
    assert failures
    always = replace(failures, name="empty:think", k=20, n=20, baseline_k=40, baseline_n=40)
    assert strength(always) <= 0
    assert strength(replace(always, baseline_k=0)) > CONVINCING


def test_what_surely_moved_is_not_called_noise(looping: Fleet) -> None:
    """Loops make answers wrong, too; that is ruled out as the trouble itself, and 60 % against 7 % is no noise."""
    bundle, found = seen(looping, H, ONSET + 12)
    moved = {one.label for one in bundle.signals if one.direction in {Direction.UP, Direction.DOWN}}
    told = [reason for reason in found.rules_out if any(f" {label} (" in reason for label in moved)]
    assert found.incident_class is IncidentClass.LOOP
    assert told
    assert all(reason.endswith("which follows from or is slight beside the main trouble") for reason in told)


def test_doubt_is_said_once() -> None:
    """The judges fell silent: that telemetry is stale, and that it is and so nothing counts as flat, are one doubt."""
    step = MINUTE // 6
    tasks = [Reading(f"{n:032x}", START - n * step, START - n * step + 1, steps=1) for n in range(1, 500)]
    scores = [EvalScore("correct", one.at_ns, passed=True, trace_id=one.id) for one in tasks[240:340]]
    found = classify(gather("helpdesk", START, Gathered(tasks, scores), TAXONOMY), TAXONOMY)
    assert "can't tell: telemetry is stale, so nothing counts as flat" in found.flags
    for said in (found.because, found.flags):
        assert not [one for one in said for other in said if one != other and other.startswith(one)]


def test_where_every_tool_fails_the_whole_is_said_before_the_worst_one() -> None:
    """With sixty tools the worst one is 4 of 5; what a responder needs is 90 of 256."""
    tools = [stories.signal(f"tool:t{n}", f"tasks saw t{n} fail", 9, 12, (0, 60)) for n in range(20)]
    every = stories.signal("tool_errors", "tool calls failed", 180, 480, (0, 1200))
    top = replace(
        stories.signal("failing_top2", "failing calls fall on the two worst tools", 18, 180, (0, 1)), note="t0, t1"
    )
    spread = replace(stories.bundle(), signals=(*tools, every, top))
    one = replace(spread, signals=(tools[0], every, replace(top, k=180, value=1.0)))
    said = [cases_of(bundle, TAXONOMY)[IncidentClass.TOOL].because[0] for bundle in (spread, one)]
    assert said[0].startswith("180 of 480 tool calls failed")
    assert said[1].startswith("9 of 12 tasks saw t0 fail")
