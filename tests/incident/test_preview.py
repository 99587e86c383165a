"""What a control would have touched, with its interval, and what is offered of each kind."""

from dataclasses import replace
from typing import Any

import pytest

from bot.incident.fitness import judge, offers
from bot.incident.kinds import LEVERS, MitigationKind, Value
from bot.incident.mitigation import Scope
from bot.incident.offer import Standing
from bot.incident.preview import conflicts_of, proofs_of
from bot.incident.reach import Among, reach, running, sessions_of, sharing, touches
from bot.incident.reading import ModelStep, Reading, ToolStep
from bot.incident.suggestions import suggestions, too_tight
from bot.incident.taxonomy import IncidentClass
from bot.incident.wishes import value_of
from tests.incident import stories
from tests.taxonomies import CLASSES, TAXONOMY

K = MitigationKind
SECOND = 1_000_000_000


def task(number: int = 0, turns: int = 2, **said: object) -> Reading:
    models = tuple(ModelStep(answering="gpt-x") for _ in range(turns))
    plain = Reading(id=f"t{number}", at_ns=number * SECOND, end_ns=number * SECOND + 1, models=models)
    return replace(plain, **said)  # type: ignore[arg-type]


def test_the_sentence_says_share_count_and_interval() -> None:
    tasks = [task(n, turns=9 if n < 30 else 2) for n in range(412)]
    seen = reach(K.TURN_LIMIT, 5, tasks, 24)
    assert (seen.k, seen.n) == (30, 412)
    assert seen.in_words("turn limit 5") == (
        "turn limit 5 would have touched 7.3 % of 412 tasks in the last 24 h (30; 95 % CI 5.1-10 %)"
    )


def test_sessions_users_and_tenants_are_counted_where_telemetry_names_them() -> None:
    tasks = [
        task(1, turns=9, session="s1", user="u1", tenant="acme"),
        task(2, turns=9, session="s1", user="u1", tenant="acme"),
        task(3, session="s2", user="u2", tenant="acme"),
        task(4, turns=9),
    ]
    seen = reach(K.TURN_LIMIT, 5, tasks, 1)
    assert seen.among == (Among("sessions", 1, 2), Among("users", 1, 2), Among("tenants", 1, 1))
    assert seen.in_words("turn limit 5").endswith("), 1 of 2 sessions, 1 of 2 users, 1 of 1 tenants")
    assert reach(K.TURN_LIMIT, 5, tasks[3:], 1).among == ()


def test_sessions_of_tasks_that_do_not_show_it_are_in_no_count() -> None:
    tasks = [task(1, cost=0.7, session="s1"), task(2, session="s2")]
    assert reach(K.COST_CAP, 0.5, tasks, 1).among == (Among("sessions", 1, 1),)


def test_what_was_cut_is_said_to_be_the_newest() -> None:
    seen = reach(K.TURN_LIMIT, 5, [task(n) for n in range(50)], 24, cut=True)
    assert "0 % of the newest 50 tasks in the last 24 h" in seen.in_words("turn limit 5")


def test_sessions_with_a_task_running_now_are_counted_once() -> None:
    busy = running([task(n, session="s1", finished=False) for n in range(3)], 4 * SECOND)
    assert (len(busy), sessions_of(busy), sessions_of(())) == (3, 1, None)


@pytest.mark.parametrize(
    ("kind", "value", "said", "expected"),
    [
        (K.HALT, True, {}, True),
        (K.HANDOFF, "new", {}, True),
        (K.READ_ONLY, True, {"tools": (ToolStep("a", "pay", 0, wrote=True),)}, True),
        (K.READ_ONLY, True, {"tools": (ToolStep("a", "read", 0),)}, False),
        (K.EGRESS_CUT, True, {"tools": (ToolStep("a", "mail", 0, destination="x.example"),)}, True),
        (K.STEP_CAP, 1, {"tools": (ToolStep("a", "read", 0),) * 2}, True),
        (K.COST_CAP, 0.5, {"cost": 0.7}, True),
        (K.COST_CAP, 0.5, {}, None),
        (K.DISABLE_TOOLS, ("pay",), {"tools": (ToolStep("a", "pay", 0),)}, True),
        (K.MODEL_PIN, "gpt-y", {}, True),
        (K.MODEL_PIN, "gpt-x", {}, False),
        (K.PROMPT_PIN, "p-1", {"prompt_version": "p-2"}, True),
        (K.PROMPT_PIN, "p-1", {}, None),
        (K.GUARDRAIL_LEVEL, 2, {}, None),
    ],
)
def test_what_each_kind_would_have_touched(
    kind: MitigationKind, value: Value, said: dict[str, Any], *, expected: bool | None
) -> None:
    assert touches(kind, value, task(**said)) is expected


def test_what_cannot_be_told_is_said_and_no_share_is_made_up() -> None:
    seen = reach(K.GUARDRAIL_LEVEL, 2, [task(n) for n in range(9)], 1)
    assert seen.k is None
    assert "telemetry does not show which" in seen.in_words("guardrail level 2")
    assert reach(K.TURN_LIMIT, 5, [], 1).in_words("turn limit 5") == "no task in the last hour to tell from"


def test_a_rate_touches_what_comes_when_the_minute_is_full() -> None:
    assert reach(K.RATE_CAP, 4, [task(n) for n in range(10)], 1).k == 6
    assert reach(K.CANARY_SHARE, 10, [task(n) for n in range(50)], 1).k == 45


def test_tasks_without_an_end_run_unless_they_began_long_ago() -> None:
    now = 3600 * SECOND
    begun = [task(3599, finished=False), task(3000, finished=False), task(100, finished=False), task(3598)]
    assert len(running(begun, now)) == 2


def test_agents_that_share_a_model_or_a_tool_are_named() -> None:
    own = [task(tools=(ToolStep("a", "search_kb", 0),))]
    others = {"field-agent": own, "billing": [task(models=(ModelStep(answering="other"),))]}
    (shared,) = sharing(own, others)
    assert shared.in_words == "field-agent (model gpt-x; tools search_kb)"


def test_what_is_in_force_already_is_named_with_what_becomes_of_it() -> None:
    live = [stories.mitigation("m1", limit=5), replace(stories.mitigation("m2"), scope=Scope("staging"))]
    (said,) = conflicts_of(replace(stories.mitigation("m3"), scope=Scope("production")), live)
    assert said == "Turn limit 5 is in force for INC-7: it meets the same control, and the safer value wins."


@pytest.mark.parametrize("kind", list(MitigationKind))
def test_every_kind_says_how_it_would_be_proven(kind: MitigationKind) -> None:
    assert len(proofs_of(replace(stories.mitigation(), kind=kind))) == 3


@pytest.mark.parametrize("kind", list(MitigationKind))
@pytest.mark.parametrize("known", list(CLASSES))
def test_every_class_says_how_every_kind_stands_and_why(known: IncidentClass, kind: MitigationKind) -> None:
    standing, why = judge(kind, known, TAXONOMY, harm_now=False, failing=0.1)
    assert standing in Standing
    assert "nothing is known" not in why


def test_what_is_suggested_is_learned_where_it_can_be_and_can_be_asked_for() -> None:
    baseline = [
        task(n * 2, cost=0.02, prompt_version="p-118", tools=(ToolStep("a", "search", 0),) * 3) for n in range(300)
    ]
    bad = tuple(ToolStep("a", "pay", 0, error=True) for _ in range(2))
    recent = [task(n, models=(ModelStep(answering="gpt-x-mini"),), prompt_version="p-119", tools=bad) for n in range(9)]
    found = {kind: (value, why) for kind, value, why in suggestions(baseline, recent)}
    assert set(found) == set(LEVERS)
    assert found[K.STEP_CAP][0] == 4
    assert found[K.MODEL_PIN] == ("gpt-x", "answered before; now gpt-x-mini answers")
    assert found[K.PROMPT_PIN][0] == "p-118"
    assert found[K.DISABLE_TOOLS] == (("pay",), "failed or empty in the last hour: pay: 18 of 18 calls")
    for kind, (value, _) in found.items():
        assert value_of(kind, value) == value


def test_the_card_gets_the_brief_offers_and_a_dialog_all_of_them() -> None:
    recent = [task(n) for n in range(9)]
    brief = offers(None, TAXONOMY, [], recent, harm_now=True, failing=0.0)
    whole = offers(None, TAXONOMY, [], recent, harm_now=True, failing=0.0, every=True)
    assert [offer.kind for offer in brief] == [K.HALT, K.TURN_LIMIT]
    assert len(whole) > len(brief)


def test_a_limit_below_what_passing_tasks_need_is_not_called_fitting() -> None:
    tasks = [task(n, turns=3 + n % 4) for n in range(100)]
    said = "95 % of 100 passing tasks need at most 6 turns, so 5 ends tasks that would pass"
    assert too_tight(K.TURN_LIMIT, 5, tasks) == said
    assert too_tight(K.TURN_LIMIT, 6, tasks) == ""
    assert too_tight(K.TURN_LIMIT, 2, tasks[:5]) == ""
    assert too_tight(K.HALT, True, tasks) == ""
