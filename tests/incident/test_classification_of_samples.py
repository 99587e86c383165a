"""The published sample scenarios (synthetic) give their published answers."""

import json
from pathlib import Path

import pytest

from bot.incident.classification import Classification
from bot.incident.evidence import EvidenceBundle
from bot.incident.gathering import Gathered, gather
from bot.incident.reading import Reading, read
from bot.incident.taxonomy import IncidentClass
from bot.incident.telemetry import EvalScore
from bot.incident.tree import classify
from tests.incident.agents_at_work import MINUTE
from tests.incident.otlp_fixture import scores_by_agent, traces_by_agent
from tests.taxonomies import TAXONOMY

SAMPLES = sorted((Path(__file__).parent.parent / "data" / "scenarios").glob("sample_*"))


class Sample:
    def __init__(self, folder: Path) -> None:
        truth = json.loads((folder / "truth.json").read_text())
        self.expected = IncidentClass(truth["class"])
        self.onset = int(truth["onset_unix_nano"])
        self.cause, self.affected = truth["cause"], truth["affected_agents"]
        traces = traces_by_agent(folder / "traces.otlp.jsonl.gz")
        self.traces = {agent: [read(trace) for trace in found] for agent, found in traces.items()}
        self.scores = scores_by_agent(folder / "evals.otlp.jsonl.gz")

    def at(self, agent: str, minutes: int) -> tuple[EvidenceBundle, Classification]:
        at_ns = self.onset + minutes * MINUTE
        others = {name: self.known(traces, at_ns) for name, traces in self.traces.items() if name != agent}
        scores: list[EvalScore] = [score for score in self.scores.get(agent, []) if score.at_ns <= at_ns]
        bundle = gather(agent, at_ns, Gathered(self.known(self.traces[agent], at_ns), scores, others), TAXONOMY)
        return bundle, classify(bundle, TAXONOMY)

    @staticmethod
    def known(readings: list[Reading], at_ns: int) -> tuple[Reading, ...]:
        return tuple(reading for reading in readings if reading.end_ns <= at_ns)


@pytest.fixture(scope="module", params=SAMPLES, ids=lambda folder: folder.name)
def sample(request: pytest.FixtureRequest) -> Sample:
    return Sample(request.param)


@pytest.mark.parametrize("minutes", [5, 8, 10, 12])
def test_the_class_the_cause_and_the_onset_are_right_soon_after_it_began(sample: Sample, minutes: int) -> None:
    for agent in sample.affected:
        bundle, found = sample.at(agent, minutes)
        assert found.incident_class is sample.expected
        assert found.cause.value == sample.cause
        assert bundle.onset is not None
        assert abs(bundle.onset.at_ns - sample.onset) <= 2 * MINUTE


@pytest.mark.parametrize("minutes", [-40, -25, -10, -1])
def test_before_it_began_nothing_is_wrong_with_any_agent(sample: Sample, minutes: int) -> None:
    for agent in sample.traces:
        assert sample.at(agent, minutes)[1].incident_class is None


def test_agents_that_are_not_affected_stay_without_a_class(sample: Sample) -> None:
    for agent in set(sample.traces) - set(sample.affected):
        assert sample.at(agent, 11)[1].incident_class is None


def test_the_reasons_give_figures_and_every_other_class_is_ruled_out_with_one_sentence(sample: Sample) -> None:
    _, found = sample.at(sample.affected[0], 10)
    assert " of " in found.because[0]
    assert "was" in found.because[0]
    assert len(found.rules_out) == 7


def test_an_hour_after_the_last_span_telemetry_is_stale_and_the_class_unknown(sample: Sample) -> None:
    _, found = sample.at(sample.affected[0], 70)
    assert found.incident_class is IncidentClass.UNKN
