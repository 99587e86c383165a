"""Simulated incidents (synthetic) of every class, and ordinary hours, classified from the telemetry alone."""

from collections import Counter
from pathlib import Path

import pytest

from bot.incident.gathering import Gathered, gather
from bot.incident.taxonomy import IncidentClass
from bot.incident.tree import classify
from tests.incident.agents_at_work import MINUTE, START, Fleet, World, work
from tests.incident.faults import HERRINGS, ONSET, H, both, on
from tests.incident.otlp_fixture import scores_by_agent, traces_by_agent
from tests.incident.otlp_of import write
from tests.incident.troubles import Story, stories
from tests.taxonomies import CLASSES, TAXONOMY

FEWEST_RIGHT = 0.7  # of one seed of each mechanism; the benchmark looks at many
ALL = list(stories(range(1)))
STORIES = [story for place, story in enumerate(ALL) if place // 3 % 3 == place % 3]  # each mechanism at one level


def given(story: Story, minute: float) -> IncidentClass | None:
    at_ns = START + int((ONSET + minute) * MINUTE)
    fleet = story.fleet()
    bundle = gather(story.trouble.agent, at_ns, Gathered(*fleet.until(story.trouble.agent, at_ns)), TAXONOMY)
    return classify(bundle, TAXONOMY).incident_class


@pytest.mark.parametrize("expected", [name for name in CLASSES if name is not IncidentClass.UNKN])
def test_incidents_of_each_class_get_it_within_twelve_minutes_and_hardly_ever_another(expected: IncidentClass) -> None:
    mine = [story for story in STORIES if story.trouble.expected is expected]
    found = Counter(given(story, 12) for story in mine)
    assert found[expected] >= (FEWEST_RIGHT - (expected is IncidentClass.QUAL) / 10) * len(mine), found
    assert sum(found.values()) - found[expected] - found[None] <= 1, found


def test_a_whole_incident_sent_as_otlp_is_read_as_it_was_simulated(tmp_path: Path) -> None:
    story = STORIES[0]
    fleet = story.fleet()
    write(fleet, tmp_path, {"class": story.trouble.expected.value})
    traces = {one.id: one for found in traces_by_agent(tmp_path / "traces.otlp.jsonl.gz").values() for one in found}
    sent = [trace for found in fleet.traces.values() for trace in found]
    assert len(traces) == len(sent)
    for trace in sent:
        arrived = traces[trace.id]
        assert (arrived.agent, arrived.error, arrived.task, arrived.prompt_version) == (
            trace.agent,
            trace.error,
            trace.task,
            trace.prompt_version,
        )
        assert [span.span_id for span in arrived.spans] == [span.span_id for span in trace.spans]
    scores = scores_by_agent(tmp_path / "evals.otlp.jsonl.gz")
    assert {agent: len(found) for agent, found in scores.items()} == {
        agent: len(found) for agent, found in fleet.scores.items() if found
    }


def test_scores_that_stop_leave_it_unknown_and_not_healthy() -> None:
    fleet = work(5, 120)
    silence = START + 80 * MINUTE
    for agent, scores in fleet.scores.items():
        fleet.scores[agent] = [score for score in scores if score.at_ns < silence]
    assert seen(fleet, H, 79) is None
    assert seen(fleet, H, 105) is IncidentClass.UNKN


def test_an_agent_alone_without_scores_is_healthy_and_a_crash_of_it_is_still_seen() -> None:
    world = World(per_minute=4, shares={H: 1.0}, evaluations={}, probes=False)
    assert seen(work(7, 75, world=world), H, 70) is None
    assert seen(work(7, 75, ONSET, on(H, crash=0.5), world=world), H, 70) is IncidentClass.HARD


def test_worse_answers_beside_a_stumbling_provider_are_not_the_providers_fault() -> None:
    fault = both(HERRINGS["provider stumbles"][1], on(H, wrong=0.6))
    assert seen(work(4, 75, ONSET, fault), H, ONSET + 12) is IncidentClass.QUAL


def test_a_tool_that_only_became_slow_is_named() -> None:
    fleet = work(3, 75, ONSET, on(H, tool_slow={"search_kb": 30.0}))
    at_ns = START + int((ONSET + 10) * MINUTE)
    found = classify(gather(H, at_ns, Gathered(*fleet.until(H, at_ns)), TAXONOMY), TAXONOMY)
    assert found.incident_class is IncidentClass.TOOL
    assert "search_kb take far longer" in found.because[0]


def test_probes_that_fail_because_tasks_hang_do_not_make_it_a_matter_of_quality() -> None:
    fault = on(H, 0.6, hangs=True)
    given_early = {seen(work(seed, 75, ONSET, fault), H, ONSET + minute) for seed in range(3) for minute in (4, 6, 10)}
    assert given_early <= {IncidentClass.HARD, None}


def seen(fleet: Fleet, agent: str, minute: float) -> IncidentClass | None:
    at_ns = START + int(minute * MINUTE)
    return classify(gather(agent, at_ns, Gathered(*fleet.until(agent, at_ns)), TAXONOMY), TAXONOMY).incident_class
