"""Evidence of one environment: what happens elsewhere changes nothing in it, and is counted as left out."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.draw import Draw
from bot.incident.environments import (
    EVERY_ONE,
    Wanted,
    kept,
    others_of,
    said_of,
    same_environment,
    spelled,
    wanted_of,
)
from bot.incident.evidence import Change, ChangeKind, EvidenceBundle, SourceStatus, Unit, Window
from bot.incident.gathering import Gathered, gather
from bot.incident.metrics import Metric
from bot.incident.model import Agent
from bot.incident.reading import Reading
from bot.incident.telemetry import EvalScore
from tests.incident.readings_at_random import NOW, S, readings
from tests.taxonomies import TAXONOMY

PRODUCTION = Wanted("production")
NONE_NAMED = (
    "No task names the environment production, so 412 tasks of live count too: correct the agent's environments in the "
    "catalogue, or ask for one of these"
)
NAMES = st.sampled_from([None, "", "default", "production", "Prod", "staging", "STG", "eu-1", " dev "])
TASKS = st.lists(st.builds(lambda task, name: replace(task, environment=name), readings(), NAMES), max_size=12)
WANTED = st.builds(
    Wanted, st.sampled_from(["", "production", "PROD", "staging", "qa"]), st.sampled_from([(), ("production", "stage")])
)


def some(name: str | None, count: int) -> list[Reading]:
    return [Reading(f"{place:032x}", NOW - place * S, NOW, environment=name) for place in range(count)]


@given(TASKS, WANTED)
def test_every_task_is_kept_in_its_place_or_counted_as_left_out(tasks: list[Reading], wanted: Wanted) -> None:
    found = kept(tasks, wanted)
    gone = [task for task in tasks if task.environment in found.foreign]
    assert list(found.readings) == [task for task in tasks if task not in gone]
    assert sum(found.seen.values()) == len(tasks)
    left_out = {spelled(name): count for name, count in found.left_out.items()}
    assert left_out == Counter(spelled(task.environment) for task in gone)
    assert not any(same_environment(name, wanted.name) or not spelled(name) for name in found.left_out)


@given(TASKS, WANTED)
def test_where_a_task_names_the_wanted_one_no_other_counts_and_else_only_the_listed_are_left_out(
    tasks: list[Reading], wanted: Wanted
) -> None:
    found = kept(tasks, wanted)
    if any(same_environment(task.environment, wanted.name) for task in tasks):
        assert {spelled(task.environment) for task in found.readings} <= {"", spelled(wanted.name)}
    elif not wanted.listed or wanted.name in ("", "qa"):
        assert list(found.readings) == tasks


@given(TASKS, WANTED)
def test_what_was_kept_is_kept_again_and_the_spelling_does_not_matter(tasks: list[Reading], wanted: Wanted) -> None:
    found = kept(tasks, wanted)
    assert list(kept(found.readings, wanted).readings) == list(found.readings)
    other = replace(wanted, name=f" {spelled(wanted.name).upper()}" if wanted.name else "")
    assert list(kept(tasks, other).readings) == list(found.readings)


def judged(tasks: Sequence[Reading]) -> list[EvalScore]:
    return [EvalScore("helpful", task.end_ns, passed=not task.failed, trace_id=task.id) for task in tasks]


OURS = st.lists(
    st.builds(lambda task, name: replace(task, environment=name), readings(), st.sampled_from([None, "prod", "none"])),
    min_size=1,
    max_size=10,
)
THEIRS = st.lists(readings().map(lambda task: replace(task, environment="staging")), min_size=1, max_size=10)


@settings(deadline=None, max_examples=40)
@given(OURS, THEIRS, OURS, THEIRS)
def test_evidence_of_production_is_the_same_whatever_happens_in_staging(
    ours: list[Reading], theirs: list[Reading], near: list[Reading], far: list[Reading]
) -> None:
    """Tasks, verdicts, neighbours and announced changes: the bundle is that of production alone, but for the count."""
    ours[0], near[0] = (replace(one[0], environment="Production") for one in (ours, near))
    ours, theirs, near, far = (
        [replace(task, id=f"{group}{place:031x}") for place, task in enumerate(tasks)]
        for group, tasks in enumerate((ours, theirs, near, far))
    )
    deploy = Change(ChangeKind.DEPLOY, "1.1", "1.2", NOW - 60 * S, 0, 0, "production")
    alone = Gathered(ours, judged(ours), {"billing": near}, announced=[deploy], wanted=PRODUCTION)
    mixed = Gathered(
        [*theirs, *ours],
        judged([*theirs, *ours]),
        {"billing": [*far, *near], "field": far},
        announced=[deploy, replace(deploy, after="9.9", environment="staging")],
        wanted=PRODUCTION,
    )
    found = gather("helpdesk", NOW, mixed, TAXONOMY)
    assert found.left_out == {"staging": len(theirs)}
    expected = gather("helpdesk", NOW, alone, TAXONOMY)
    assert replace(found, environments={}, left_out={}) == replace(expected, environments={}, left_out={})


def test_verdicts_on_tasks_that_were_not_read_are_of_nobody_knows_which_environment() -> None:
    """Of a busy staging only the newest tasks are read, and judges answer a minute later: into the baseline of production."""
    tasks = [*some("production", 30), *some("staging", 300)]
    unread = [EvalScore("helpful", NOW - 80 * 60 * S, passed=False, trace_id=f"u{place:031x}") for place in range(50)]
    alone = [EvalScore("helpful", NOW - 80 * 60 * S, passed=True)]
    found = Gathered(tasks, [*unread, *alone], wanted=PRODUCTION, draw=Draw((), NOW - 85 * 60 * S, 2))
    judged_before = gather("a", NOW, found, TAXONOMY).signal("eval:helpful")
    assert judged_before is not None
    assert (judged_before.baseline_k, judged_before.baseline_n) == (0, 1)
    every = gather("a", NOW, replace(found, draw=None), TAXONOMY).signal("eval:helpful")
    assert every is not None
    assert every.baseline_n == 51


def test_history_mixes_environments_so_it_is_not_shown_beside_one_of_them() -> None:
    usual = {"task_failures": (30, 400)}
    both = [*some("production", 30), *some("staging", 3)]
    assert all(
        one.usual is None for one in gather("a", NOW, Gathered(both, usual=usual, wanted=PRODUCTION), TAXONOMY).signals
    )
    one = gather("a", NOW, Gathered(some("production", 30), usual=usual, wanted=PRODUCTION), TAXONOMY)
    assert one.signals[0].usual == 0.075


@pytest.mark.parametrize(
    ("wanted", "theirs", "left"),
    [
        (Wanted("production"), ("staging",), set()),  # perhaps production under another name
        (Wanted("production", ("production", "staging")), ("stage",), {"stage"}),  # the catalogue knows better
        (Wanted("production", ("production", "staging")), ("stage", "eu-1"), {"stage"}),
        (Wanted("prodd", ("production", "staging")), ("production", "staging"), set()),  # a slip of somebody's finger
        (Wanted("production"), ("prod", "staging"), {"staging"}),
        (Wanted("production"), ("preprod", "production"), {"preprod"}),
        (EVERY_ONE, ("production", "staging"), set()),
    ],
)
def test_what_is_foreign(wanted: Wanted, theirs: tuple[str, ...], left: set[str]) -> None:
    assert wanted.foreign([*theirs, None, "default"]) == left


@pytest.mark.parametrize(
    ("own", "neighbours"),
    [
        ({"production": 5}, {"here", "unsaid"}),
        ({"": 5}, {"here", "unsaid"}),
        ({"live": 5}, {"here", "unsaid", "there"}),  # ours goes by another name, so may theirs
    ],
)
def test_neighbours_are_of_the_same_environment_or_name_none(own: dict[str, int], neighbours: set[str]) -> None:
    others = {"here": some("prod", 2), "there": some("staging", 2), "unsaid": some(None, 2)}
    assert set(others_of(others, own, PRODUCTION)) == neighbours


@pytest.mark.parametrize(
    ("agent", "wish", "name"),
    [
        (Agent("a", environments=("live", "test")), "", "live"),
        (Agent("a", environments=("live", "test")), " test ", "test"),
        (Agent("a", environments=("live",)), "All", ""),
        (Agent("a", environments=()), "", ""),
        (Agent("a", listed=False), "", ""),
        (Agent("a", listed=False), "staging", "staging"),
    ],
)
def test_without_a_wish_it_is_the_catalogue_s_first_and_of_an_unlisted_agent_all(
    agent: Agent, wish: str, name: str
) -> None:
    assert wanted_of(agent, wish).name == name


@pytest.mark.parametrize(
    ("seen", "left_out", "said"),
    [
        ({"production": 9, "": 3}, {}, ()),
        ({"": 3}, {}, ()),
        ({"prod": 9, "staging": 412}, {"staging": 412}, ("412 tasks of staging are not counted",)),
        ({"prod": 9, "qa": 1}, {"qa": 1}, ("1 task of qa is not counted",)),
        (
            {"prod": 9, "qa": 2, "": 30},
            {"qa": 2},
            ("2 tasks of qa are not counted", "30 tasks name no environment and count too"),
        ),
        (
            {"prod": 1, "a": 1, "b": 9, "c": 2, "d": 1, "e": 1},
            {"a": 1, "b": 9, "c": 2, "d": 1, "e": 1},
            ("9 tasks of b, 2 of c, 1 of a and 2 of 2 more are not counted",),
        ),
        (
            {"live": 412},
            {},
            (NONE_NAMED,),
        ),
        (
            {"staging": 2},
            {"staging": 2},
            ("2 tasks of staging are not counted", "No task names the environment production"),
        ),
    ],
)
def test_the_bundle_says_what_is_not_counted_with_its_figure(
    seen: dict[str, int], left_out: dict[str, int], said: tuple[str, ...]
) -> None:
    window = Window(NOW - S, NOW)
    bundle = EvidenceBundle("a", NOW, window, window, environment="production", environments=seen, left_out=left_out)
    assert said_of(bundle) == said


@pytest.mark.parametrize(
    ("seen", "drawn_from", "said"),
    [
        ({"production": 9, "": 3}, 0, ()),
        (
            {"production": 412, "staging": 30, "": 3},
            0,
            ("412 tasks of production and 30 of staging are counted together: ask for one of these to see it alone",),
        ),
        (
            {"production": 4120, "staging": 300},
            4420,
            (
                "About 4120 tasks of production and 300 of staging are counted together: ask for one of these to see it alone",
            ),
        ),
    ],
)
def test_where_nobody_asked_for_one_it_is_said_that_they_are_counted_together(
    seen: dict[str, int], drawn_from: int, said: tuple[str, ...]
) -> None:
    window, source = Window(NOW - S, NOW), SourceStatus("builtin", 9, 0, drawn_from=drawn_from)
    assert said_of(EvidenceBundle("a", NOW, window, window, sources=(source,), environments=seen)) == said


def test_a_figure_of_a_metrics_store_says_that_it_is_of_every_environment() -> None:
    told = Metric(
        "escalations", "tasks escalated", Unit.SHARE, Window(NOW - S, NOW), Window(0, S), 0.1, 50.0, 0.1, 50.0, NOW
    )
    for tasks, label in (
        (some("production", 3), "tasks escalated"),
        ([*some("production", 3), *some("staging", 3)], "tasks escalated, all environments together"),
    ):
        bundle = gather("a", NOW, Gathered(tasks, metrics=[told], wanted=PRODUCTION), TAXONOMY)
        signal = bundle.signal("metric:escalations")
        assert signal is not None
        assert signal.label == label
