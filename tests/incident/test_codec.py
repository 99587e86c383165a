"""What is stored comes back as it was, and old records stay readable."""

import json
from dataclasses import dataclass
from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.classification import Question
from bot.incident.codec import decode, encode
from bot.incident.evidence import EvidenceBundle
from bot.incident.facts.declaring import Declared
from bot.incident.facts.people import NoteAdded
from bot.incident.model import Agent, Person
from bot.incident.taxonomy import IncidentClass, Severity
from bot.incident.timeline import FACTS, Fact, fact_from_json, fact_to_json, kind_of
from tests.incident import stories
from tests.incident.stories import WHOLE

st.register_type_strategy(IncidentClass, st.text(min_size=1).map(IncidentClass))
st.register_type_strategy(Question, st.text(min_size=1).map(Question))
st.register_type_strategy(float, st.floats(allow_nan=False))  # NaN is not equal to itself


@pytest.mark.parametrize(("kind", "fact"), [(kind_of(fact), fact) for _, fact in WHOLE])
def test_every_fact_comes_back_through_json(kind: str, fact: Fact) -> None:
    name, body = fact_to_json(fact)
    assert name == kind
    assert fact_from_json(name, json.loads(json.dumps(body))) == fact


@pytest.mark.parametrize("fact", FACTS.values())
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_any_fact_at_all_comes_back_through_json(fact: type, data: st.DataObject) -> None:
    made: Fact = data.draw(st.from_type(fact))
    name, body = fact_to_json(made)
    assert fact_from_json(name, json.loads(json.dumps(body))) == made


def test_frozen_evidence_comes_back_through_json() -> None:
    bundle = stories.bundle()
    assert decode(EvidenceBundle, json.loads(json.dumps(encode(bundle)))) == bundle


def test_a_field_from_the_future_is_ignored() -> None:
    _, body = fact_to_json(WHOLE[0][1])
    assert fact_from_json("declared", {**body, "weather": "rain"}) == WHOLE[0][1]


def test_a_field_from_before_its_time_takes_its_default() -> None:
    _, body = fact_to_json(WHOLE[0][1])
    del body["test"], body["private"]
    fact = fact_from_json("declared", body)
    assert isinstance(fact, Declared)
    assert not fact.private


def test_a_field_that_must_be_there_is_named_when_it_is_not() -> None:
    with pytest.raises(ValueError, match="NoteAdded lacks text"):
        decode(NoteAdded, {"source": "pin", "author": {"id": "U1", "name": "Ana"}})


def test_a_value_outside_its_words_is_an_error() -> None:
    _, body = fact_to_json(WHOLE[0][1])
    with pytest.raises(ValueError, match="SEV9"):
        fact_from_json("declared", {**body, "severity": "SEV9"})


def test_mappings_and_new_types_come_back() -> None:
    agent = Agent("helpdesk-agent", control_keys={"halt": "my.halt"})
    assert decode(Agent, encode(agent)) == agent


@dataclass(frozen=True)
class _Wide:
    at: datetime
    share: float
    of: Person | None
    levels: tuple[Severity, ...]
    loose: object


def test_whole_numbers_become_floats_where_floats_are_meant() -> None:
    at = stories.DECLARED_AT.isoformat()
    stored = {"at": at, "share": 1, "of": None, "levels": ["SEV1"], "loose": {"a": [1]}}
    back = decode(_Wide, stored)
    assert back == _Wide(stories.DECLARED_AT, 1.0, None, (Severity.SEV1,), {"a": [1]})
    assert isinstance(back.share, float)
