"""Evidence from several places: each answers for itself, and what is missing has a name."""

import asyncio
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from bot.incident.errors import BadInput, Unavailable
from bot.incident.evidence import Change, ChangeKind, Direction, Unit, Window
from bot.incident.metrics import Metric
from bot.incident.model import Agent, Catalogue
from bot.incident.telemetry import EvalScore, ModelCall, Span, SpanKind, Trace
from bot.ports import Announcements, SourceAsk, SourceFound, TelemetrySource
from bot.response.gather import Gather, nanoseconds
from bot.response.sources import Sources
from tests.fakes.clock import START, FakeClock
from tests.fakes.verbs import HELPDESK, KeptTraces
from tests.response.conftest import AGENT
from tests.response.test_gather import Busy
from tests.taxonomies import TAXONOMY

NOW = nanoseconds(START)
MINUTE = 60 * 10**9


@dataclass
class Vendor(TelemetrySource):
    """A source that answers what it was given, as often as it is asked."""

    name: str = "Phoenix"
    found: SourceFound = field(default_factory=SourceFound)
    failure: Exception | None = None
    hangs: bool = False
    slow: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    asked: list[SourceAsk] = field(default_factory=list)
    closed: bool = False

    async def find(self, ask: SourceAsk) -> SourceFound:
        self.asked.append(ask)
        if self.hangs:
            await asyncio.Event().wait()
        self.begun.set()
        if self.slow:
            await asyncio.sleep(0.05)
        if self.failure is not None:
            raise self.failure
        return self.found

    async def close(self) -> None:
        self.closed = True


def trace(number: int, minutes_ago: float, *, steps: int = 1, error: bool = False) -> Trace:
    at = NOW - int(minutes_ago * MINUTE)
    trace_id = f"{number:032x}"
    spans = tuple(
        Span(trace_id, f"{step:016x}", "f" * 16, SpanKind.LLM, "chat", at, at + 1, model=ModelCall())
        for step in range(steps)
    )
    return Trace(trace_id, AGENT, at, at + 10**9, error=error, spans=spans)


def gathering(*vendors: Vendor, kept: KeptTraces | None = None, catalogue: Catalogue = HELPDESK) -> Gather:
    return Gather(kept or KeptTraces(), FakeClock(), catalogue, TAXONOMY, 0.2, Sources(vendors))


async def test_tasks_of_all_places_are_counted_once() -> None:
    vendor = Vendor(found=SourceFound(traces=(trace(1, 5, steps=3), trace(2, 4)), links={f"{1:032x}": "http://p/1"}))
    bundle = await gathering(vendor, kept=KeptTraces((trace(1, 5), trace(3, 3))))(AGENT)
    failures = bundle.signal("task_failures")
    assert failures is not None
    assert failures.n == 3
    assert [(one.name, one.traces) for one in bundle.sources] == [("builtin", 2), ("Phoenix", 2)]


async def test_people_who_look_at_the_same_time_share_one_request_and_one_of_them_may_leave() -> None:
    vendor = Vendor(found=SourceFound(traces=(trace(1, 5),)), slow=True)
    gather = gathering(vendor)
    first, *others = [asyncio.create_task(gather(AGENT)) for _ in range(4)]
    await vendor.begun.wait()
    first.cancel()
    bundles = await asyncio.gather(*others)
    assert len(vendor.asked) == 1
    assert [bundle.sources[1].traces for bundle in bundles] == [1, 1, 1]


async def test_the_same_verdict_from_two_places_is_one_verdict() -> None:
    here = EvalScore("correct", NOW - 5 * MINUTE, AGENT, 0.0, "fail", False, f"{1:032x}")
    there = here._replace(at_ns=here.at_ns + 40, explanation="as Phoenix has it")
    vendor = Vendor(found=SourceFound(scores=(there,)))
    kept = KeptTraces((trace(1, 5),), (here,))
    quality = (await gathering(vendor, kept=kept)(AGENT)).signal("quality")
    assert quality is not None
    assert (quality.k, quality.n) == (1, 1)


async def test_a_suites_verdicts_of_one_moment_count_each_and_told_again_by_another_once() -> None:
    suite = tuple(
        EvalScore("synthetic_suite", NOW - MINUTE, AGENT, 1.0, passed=True, probe_id=f"p{number}")
        for number in range(20)
    )
    bundle = await gathering(Vendor(found=SourceFound(scores=suite[:15])), kept=KeptTraces((trace(1, 5),), suite))(
        AGENT
    )
    probes = bundle.signal("probes")
    assert probes is not None
    assert probes.n == 20


async def test_two_verdicts_in_words_on_one_task_are_two() -> None:
    said = tuple(
        EvalScore("correct", NOW - MINUTE, AGENT, label=label, passed=label == "pass", trace_id=f"{1:032x}")
        for label in ("pass", "fail")
    )
    bundle = await gathering(kept=KeptTraces((trace(1, 5),), said))(AGENT)
    each, quality = bundle.signal("eval:correct"), bundle.signal("quality")
    assert each is not None
    assert quality is not None
    assert ((each.k, each.n), (quality.k, quality.n)) == ((1, 2), (1, 1))


async def test_verdicts_in_words_on_no_task_are_told_apart_by_what_they_say() -> None:
    passed, failed = (
        EvalScore("synthetic_suite", NOW - MINUTE, AGENT, label=label, passed=label == "pass", probe_id=label)
        for label in ("pass", "fail")
    )
    vendor = Vendor(found=SourceFound(scores=(failed,)))
    probes = (await gathering(vendor, kept=KeptTraces((trace(1, 5),), (passed,)))(AGENT)).signal("probes")
    assert probes is not None
    assert (probes.k, probes.n) == (1, 2)


async def test_a_busy_agents_tasks_told_again_in_milliseconds_add_none() -> None:
    tasks = [trace(number, (101 + number) / 60) for number in range(100)]
    again = [replace(task, start_ns=task.start_ns // 10**6 * 10**6) for task in tasks[:60]]
    kept = Busy([replace(task, start_ns=task.start_ns + 345_678) for task in reversed(tasks)])
    vendor = Vendor(found=SourceFound(traces=(*again, trace(200, 150.5 / 60))))
    bundle = await gathering(vendor, kept=kept)(AGENT)
    volume, failures = bundle.signal("task_volume"), bundle.signal("task_failures")
    assert volume is not None
    assert volume.n == 101
    assert failures is not None
    assert failures.hour is not None
    assert 100 <= failures.hour[1] <= 102  # those told again do not weigh twice


async def test_one_that_hangs_holds_nobody_up_and_is_named() -> None:
    slow, quick = Vendor("MLflow", hangs=True), Vendor(found=SourceFound(traces=(trace(1, 5),)))
    bundle = await asyncio.wait_for(gathering(slow, quick)(AGENT), 2)
    assert bundle.missing == ("MLflow did not answer within 200 ms.",)
    assert bundle.sources[2].traces == 1


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (Unavailable("Langfuse answers a web page where JSON was expected."), "Langfuse answers a web page"),
        (KeyError("data"), "Phoenix answered in a way that is not understood (KeyError)."),
    ],
)
async def test_one_that_fails_is_a_sentence_and_nothing_else_is_lost(failure: Exception, said: str) -> None:
    bundle = await gathering(Vendor(failure=failure), kept=KeptTraces((trace(3, 3),)))(AGENT)
    assert bundle.missing[0].startswith(said)
    assert bundle.sources[0].traces == 1


async def test_part_of_an_answer_counts_and_what_is_missing_is_said() -> None:
    found = SourceFound(traces=(trace(1, 5),), missing=("Phoenix has more than 500 traces.", "Scores are missing."))
    bundle = await gathering(Vendor(found=found))(AGENT)
    assert bundle.missing == ("Phoenix has more than 500 traces. Scores are missing.",)
    assert bundle.sources[1].traces == 1


async def test_a_vendor_is_asked_once_while_people_look_again_and_again() -> None:
    vendor = Vendor()
    gather = gathering(vendor)
    at = START - timedelta(minutes=1)
    await asyncio.gather(*(gather(AGENT, at) for _ in range(3)))
    await gather(AGENT, at)
    assert len(vendor.asked) <= 3
    count = len(vendor.asked)
    await gather(AGENT, at)
    assert len(vendor.asked) == count


async def test_it_is_asked_by_every_name_and_for_the_agents_own_project() -> None:
    vendor = Vendor()
    known = Catalogue((Agent(AGENT, agent_names=("helpdesk",), projects={"phoenix": "support"}),))
    await gathering(vendor, catalogue=known)(AGENT)
    (ask,) = vendor.asked
    assert (ask.names, ask.project, ask.seconds) == (frozenset({AGENT, "helpdesk"}), "support", 0.2)
    assert ask.end_ns - ask.start_ns == 90 * MINUTE


async def test_figures_of_a_metrics_store_are_signals_and_a_missing_series_is_unknown() -> None:
    windows = Window(NOW - 10 * MINUTE, NOW), Window(NOW - 90 * MINUTE, NOW - 10 * MINUTE)
    known = Metric("task_completion", "tasks completed", Unit.SHARE, *windows, 0.6, 200, 0.95, 900, NOW - 10**10)
    missing = Metric("eval_pass", "answers passed", Unit.SHARE, *windows)
    stale = replace(known, name="escalations", sampled_ns=NOW - 20 * MINUTE)
    bundle = await gathering(Vendor("Prometheus", SourceFound(metrics=(known, missing, stale))))(AGENT)
    fell, unknown, old = (bundle.signal(f"metric:{name}") for name in ("task_completion", "eval_pass", "escalations"))
    assert fell is not None
    assert unknown is not None
    assert old is not None
    assert (fell.direction, fell.k, fell.n) == (Direction.DOWN, 120, 200)
    assert fell.difference is not None
    assert fell.difference.high < -0.25
    assert (unknown.value, unknown.direction) == (None, Direction.UNKNOWN)
    assert old.direction is Direction.UNKNOWN
    assert bundle.sources[1].metrics == 3


async def test_a_window_that_is_asked_for_is_compared_with_the_same_length_before() -> None:
    tasks = tuple(trace(number, number / 2, error=number < 60) for number in range(1, 200))
    bundle = await gathering(kept=KeptTraces(tasks))(AGENT, None, timedelta(minutes=30))
    failures = bundle.signal("task_failures")
    assert failures is not None
    assert bundle.window.seconds == bundle.baseline_window.seconds == 1800
    assert failures.n in {59, 60}
    assert failures.direction is Direction.UP


@pytest.mark.parametrize("window", [timedelta(seconds=59), timedelta(hours=25)])
async def test_a_window_out_of_reach_is_refused_in_one_sentence(window: timedelta) -> None:
    with pytest.raises(BadInput, match="between one minute and 24 hours"):
        await gathering()(AGENT, None, window)


@dataclass
class Told(Announcements):
    """A pipeline that told of one change."""

    change: Change

    async def announce(self, agent: str, environment: str, change: Change, key: str) -> None:
        raise NotImplementedError

    async def about(self, agents: Collection[str], start_ns: int, end_ns: int) -> tuple[Change, ...]:
        return (self.change,) if AGENT in agents and start_ns <= self.change.first_seen_ns < end_ns else ()


class Remembering(KeptTraces):
    """A store that knows what is usual at this hour of the week."""

    async def usual(self, agents: Collection[str], hours: Collection[int]) -> Mapping[str, tuple[int, int]]:
        assert {NOW // (60 * MINUTE) - hour for hour in hours} == {168, 336, 504, 672}
        return {"task_failures": (30, 400)} if AGENT in agents else {}


async def test_announced_changes_and_what_is_usual_stand_beside_what_is_measured() -> None:
    deploy = Change(ChangeKind.DEPLOY, "1.1", "1.2", NOW - 6 * MINUTE, 0, 0)
    tasks = tuple(trace(number, number) for number in range(1, 30))
    gather = Gather(
        Remembering(tasks), FakeClock(), HELPDESK, TAXONOMY, announcements=Told(deploy), trace_url="http://t/{trace_id}"
    )
    bundle = await gather(AGENT)
    failures = bundle.signal("task_failures")
    assert failures is not None
    assert (failures.usual, failures.usual_n) == (0.075, 400)
    assert [(change.after, change.k, change.n) for change in bundle.changes] == [("1.2", 6, 6)]
