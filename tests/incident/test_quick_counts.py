"""What is counted the quick way is what the plain way counts."""

from collections import Counter
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.environments import Wanted
from bot.incident.evidence import Window
from bot.incident.gathering import Gathered, gather
from bot.incident.reading import Reading
from bot.incident.signals.measure import share, share_of, tasks
from bot.incident.signals.scope import Scope
from bot.storage.reading_json import models_from_json, reading_from_json, reading_to_json
from tests.incident.readings_at_random import NOW, S, readings
from tests.taxonomies import TAXONOMY

TASKS = st.lists(readings(), max_size=12, unique_by=lambda reading: reading.id)


@settings(deadline=None)
@given(readings())
def test_a_tool_use_sums_up_the_steps(task: Reading) -> None:
    use, steps = task.use, task.tools
    assert use.calls == Counter(step.name for step in steps)
    assert use.destinations == {step.destination for step in steps if step.destination}
    assert use.described == {f"{step.name}@{step.manifest}" for step in steps if step.manifest}
    assert use.writes == len({(step.name, step.arguments) for step in steps if step.wrote})
    assert use.unapproved == any(step.wrote and not step.approved for step in steps)
    assert use.empty == any(step.empty for step in steps)
    assert [(name, call) for _, name, call in use.wrong] == [
        (step.name, Counter(one.name for one in steps[: place + 1])[step.name])
        for place, step in enumerate(steps)
        if step.error or step.empty
    ]
    assert list(use.paces) == [
        (name, seconds / use.calls[name])
        for step, seconds in task.spent
        if step.startswith("tool ") and (name := step.removeprefix("tool ")) in use.calls
    ]


@settings(deadline=None, max_examples=30)
@given(TASKS, TASKS)
def test_a_share_of_tasks_is_the_share_of_their_observations(now: list[Reading], before: list[Reading]) -> None:
    window, baseline = Window(NOW - 600 * S, NOW), Window(NOW - 5400 * S, NOW - 1000 * S)
    scope = Scope("a", NOW, window, baseline, (), (), (), (), True, (), {}, None, None, None)

    def bad(reading: Reading) -> bool:
        return reading.failed

    quick = share_of(scope, "task_failures", "tasks failed", now, before, bad, fresh_seconds=1.0)
    assert quick == share(
        scope, "task_failures", "tasks failed", tasks(now, bad), tasks(before, bad), fresh_seconds=1.0
    )


@settings(deadline=None)
@given(readings())
def test_a_reading_is_written_and_read_whole_or_for_its_models_alone(task: Reading) -> None:
    text = reading_to_json(task)
    whole = reading_from_json(task.id, task.at_ns, text)
    assert whole == task
    assert models_from_json(task.id, task.at_ns, text) == _models_of(whole)


@settings(deadline=None, max_examples=30)
@given(TASKS, st.dictionaries(st.sampled_from(["billing", "field"]), TASKS))
def test_of_a_neighbour_only_its_models_count(own: list[Reading], others: dict[str, list[Reading]]) -> None:
    thin = {name: [_models_of(one) for one in theirs] for name, theirs in others.items()}
    wanted = Wanted("production")
    whole = gather("helpdesk", NOW, Gathered(readings=own, others=others, wanted=wanted), TAXONOMY)
    assert gather("helpdesk", NOW, Gathered(readings=own, others=thin, wanted=wanted), TAXONOMY) == whole


def _models_of(task: Reading) -> Reading:
    """Of a task what a look at its neighbour needs."""
    bare = Reading(task.id, task.at_ns, task.end_ns)
    names = ("models", "model_errors", "first_chunk", "mismatched", "provider", "environment")
    return replace(bare, **{name: getattr(task, name) for name in names})
