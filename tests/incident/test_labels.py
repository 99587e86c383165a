"""Each class has its names in public taxonomies; where one has none, nothing is made up."""

import pytest

from bot.incident.labels import labels_in_words
from bot.incident.taxonomy import Cause, IncidentClass
from tests.taxonomies import CLASSES, TAXONOMY


@pytest.mark.parametrize("incident_class", CLASSES)
def test_every_class_but_the_unknown_has_labels(incident_class: IncidentClass) -> None:
    assert bool(labels_in_words(incident_class, TAXONOMY)) is (incident_class is not IncidentClass.UNKN)


def test_a_loop_is_step_repetition_elsewhere() -> None:
    assert labels_in_words(IncidentClass.LOOP, TAXONOMY) == (
        "MAST: 1.3 step repetition, 1.5 unaware of termination conditions, 2.1 conversation reset.",
        "OWASP agentic: ASI08 cascading failures.",
        "CoSAI: A.",
        "AgentRx: Adherence, repeated.",
    )


def test_techniques_of_adversaries_are_named_only_where_there_is_one() -> None:
    said = "MITRE ATLAS: AML.T0034 cost harvesting."
    assert said not in labels_in_words(IncidentClass.LOOP, TAXONOMY, Cause.OUR_PROMPT)
    assert said in labels_in_words(IncidentClass.LOOP, TAXONOMY, Cause.ADVERSARY)
    assert any("AML.T0051 LLM prompt injection" in text for text in labels_in_words(IncidentClass.SECU, TAXONOMY))
