"""Which lever fits which class, and how far a turn limit may go down."""

import pytest

from bot.incident.fitness import judge, offers
from bot.incident.kinds import MitigationKind
from bot.incident.offer import Standing
from bot.incident.reading import Reading, read
from bot.incident.suggestions import CAUTIOUS_LIMIT, turn_limit_from, turns
from bot.incident.taxonomy import IncidentClass
from bot.incident.telemetry import ModelCall, Span, SpanKind, Task, Trace
from tests.taxonomies import CLASSES, TAXONOMY

HALT, LIMIT = MitigationKind.HALT, MitigationKind.TURN_LIMIT


def task(model_calls: int, number: int = 0, *, outcome: str = "completed", complete: bool = True) -> Reading:
    trace_id = f"{number:032x}"
    steps = tuple(
        Span(trace_id, f"{index:016x}", "1" * 16, SpanKind.LLM, "chat", index, index + 1, model=ModelCall())
        for index in range(model_calls)
    )
    return read(Trace(trace_id, "helpdesk-agent", 0, 100, complete=complete, task=Task(outcome=outcome), spans=steps))


def standing(kind: MitigationKind, incident_class: IncidentClass | None, failing: float = 0.0) -> Standing:
    return judge(kind, incident_class, TAXONOMY, harm_now=False, failing=failing)[0]


def test_a_limit_is_learned_from_passing_tasks_and_spares_them() -> None:
    passing = [task(3 + number % 3, number) for number in range(100)]
    looping = [task(25, 200 + number, outcome="step_limit") for number in range(50)]
    unfinished = [task(40, 300 + number, complete=False) for number in range(50)]
    limit, source = turn_limit_from([*passing, *looping, *unfinished])
    assert limit == 6
    assert source == "95 % of 100 passing tasks need at most 5 turns"
    assert all(turns(trace) <= limit for trace in passing)


def test_without_history_the_limit_is_cautious_and_says_so() -> None:
    limit, source = turn_limit_from([task(2, number) for number in range(19)])
    assert limit == CAUTIOUS_LIMIT
    assert "only 19 passing tasks" in source


@pytest.mark.parametrize("incident_class", CLASSES)
def test_every_lever_has_a_standing_and_a_reason_for_every_class(incident_class: IncidentClass) -> None:
    for kind in MitigationKind:
        found, why = judge(kind, incident_class, TAXONOMY, harm_now=False, failing=0.1)
        assert found in Standing
        assert len(why) > 10


def test_containment_is_open_before_the_class_is_known() -> None:
    assert standing(HALT, None) is Standing.ALLOWED
    assert standing(LIMIT, None) is Standing.ALLOWED
    assert judge(HALT, None, TAXONOMY, harm_now=True, failing=0)[0] is Standing.FITS


@pytest.mark.parametrize(
    ("kind", "incident_class", "wanted"),
    [
        (LIMIT, IncidentClass.LOOP, Standing.FITS),
        (HALT, IncidentClass.LOOP, Standing.CONTRAINDICATED),
        (HALT, IncidentClass.TOOL, Standing.CONTRAINDICATED),
        (HALT, IncidentClass.ACTN, Standing.CONTRAINDICATED),
        (HALT, IncidentClass.SECU, Standing.FITS),
        (LIMIT, IncidentClass.BEHV, Standing.FITS),
        (HALT, IncidentClass.QUAL, Standing.CONTRAINDICATED),
    ],
)
def test_levers_stand_as_the_class_facts_say(
    kind: MitigationKind, incident_class: IncidentClass, wanted: Standing
) -> None:
    assert standing(kind, incident_class) is wanted


def test_a_kill_switch_is_open_for_quality_once_most_answers_are_wrong() -> None:
    assert standing(HALT, IncidentClass.QUAL, failing=0.5) is Standing.CONTRAINDICATED
    found, why = judge(HALT, IncidentClass.QUAL, TAXONOMY, harm_now=False, failing=0.62)
    assert found is Standing.ALLOWED
    assert "62 %" in why


def test_offers_come_best_first_with_what_they_would_touch() -> None:
    before = [task(4, number) for number in range(60)]
    lately = [*(task(4, number) for number in range(30)), *(task(25, 100 + number) for number in range(10))]
    first, last = offers(IncidentClass.LOOP, TAXONOMY, before, lately, harm_now=False, failing=0)
    assert (first.kind, first.limit, first.touches_k, first.touches_n) == (LIMIT, 5, 10, 40)
    assert (last.kind, last.limit, last.touches_k, last.touches_n) == (HALT, None, 40, 40)
    assert first.label == "Turn limit 5"


def test_an_offer_without_traffic_claims_no_reach() -> None:
    for offer in offers(None, TAXONOMY, [], [], harm_now=True, failing=0):
        assert (offer.touches_k, offer.touches_n) == (None, None)
