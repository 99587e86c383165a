"""Gathering evidence: shared by those who ask together, and honest about what did not answer."""

import asyncio
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest

from bot.incident.draw import Draw
from bot.incident.errors import Unavailable
from bot.incident.evidence import Direction, FindingKind
from bot.incident.first_sight import MOST_SOUGHT
from bot.incident.model import Agent, Catalogue
from bot.incident.reading import Reading
from bot.incident.telemetry import EvalScore, Span, SpanKind, ToolCall, Trace
from bot.ports import Traces
from bot.response.declare import Declaration
from bot.response.gather import Gather, nanoseconds
from bot.response.mitigate import wrong_share
from tests.fakes.clock import START, FakeClock
from tests.fakes.verbs import HELPDESK, KeptTraces
from tests.response.conftest import AGENT, ANA, Office
from tests.taxonomies import TAXONOMY


@dataclass
class Asked(KeptTraces):
    """Counts how often an agent's traces were asked for; the first ``failures`` times it is away."""

    times: int = 0
    failures: int = 0

    async def traces(self, agent: str, start_ns: int, end_ns: int, limit: int = 2000) -> tuple[Trace, ...]:
        self.times += 1
        if self.times <= self.failures:
            raise Unavailable("The store is busy.")
        await asyncio.sleep(0)
        return await KeptTraces.traces(self, agent, start_ns, end_ns, limit)


class Stuck(KeptTraces):
    """A store whose scores never come."""

    async def scores(
        self, agent: str, start_ns: int, end_ns: int, of: Collection[str] | None = None
    ) -> tuple[EvalScore, ...]:
        await asyncio.Event().wait()
        return await KeptTraces.scores(self, agent, start_ns, end_ns, of)


def gathering(
    traces: Traces, clock: FakeClock | None = None, deadline: float = 2.5, catalogue: Catalogue = HELPDESK
) -> Gather:
    return Gather(traces, clock or FakeClock(), catalogue, TAXONOMY, deadline)


def told_by(agent: str, number: int = 1) -> Trace:
    at = nanoseconds(START - timedelta(minutes=3))
    return Trace(f"{number:032x}", agent, at, at + 10**9)


async def test_a_source_that_does_not_answer_in_time_is_a_named_gap() -> None:
    bundle = await gathering(Stuck(), deadline=0.01)(AGENT)
    assert bundle.missing == ("the built-in store did not answer within 10 ms",)
    assert bundle.findings == ()


async def test_a_source_that_refuses_is_a_gap_in_its_own_words() -> None:
    assert (await gathering(Asked(failures=1))(AGENT)).missing == ("The store is busy.",)


async def test_those_who_ask_within_two_seconds_share_one_answer() -> None:
    asked, clock = Asked(), FakeClock()
    gather = gathering(asked, clock)
    together = await asyncio.gather(*(gather(AGENT) for _ in range(5)))
    clock.advance(2)
    assert await gather(AGENT) is together[0]
    assert asked.times == 1
    clock.advance(1)
    assert await gather(AGENT) is not together[0]
    assert asked.times == 2


async def test_one_who_gives_up_takes_nothing_from_the_others() -> None:
    gather = gathering(Asked())
    hurried, patient = asyncio.create_task(gather(AGENT)), asyncio.create_task(gather(AGENT))
    await asyncio.sleep(0)
    hurried.cancel()
    assert (await patient).agent == AGENT


async def test_a_moment_of_the_past_is_read_for_itself() -> None:
    asked = Asked((told_by(AGENT),))
    gather = gathering(asked)
    now = await gather(AGENT)
    earlier = await gather(AGENT, START - timedelta(minutes=10))
    assert (now.sources[0].traces, earlier.sources[0].traces) == (1, 0)


async def test_a_failure_nobody_foresaw_is_not_shared() -> None:
    class Broken(Asked):
        async def traces(self, agent: str, start_ns: int, end_ns: int, limit: int = 2000) -> tuple[Trace, ...]:
            self.times += 1
            if self.times == 1:
                raise ZeroDivisionError
            return await KeptTraces.traces(self, agent, start_ns, end_ns, limit)

    gather = gathering(Broken())
    with pytest.raises(ZeroDivisionError):
        await gather(AGENT)
    assert (await gather(AGENT)).missing == ()


async def test_an_agent_nobody_listed_is_measured_under_its_own_name() -> None:
    bundle = await gathering(KeptTraces((told_by("stranger"), told_by(AGENT, 2))))("stranger")
    assert (bundle.agent, bundle.sources[0].traces) == ("stranger", 1)


class Busy(KeptTraces):
    """A store that draws: one in two of what came before the newest wanted."""

    async def drawn(
        self, agents: Collection[str], start_ns: int, end_ns: int, limit: int, newest: int
    ) -> tuple[tuple[Reading, ...], Draw | None]:
        every = await self.readings(agents, start_ns, end_ns, limit)
        whole = min(newest, len(every) // 2)
        since = every[-whole].at_ns if whole else end_ns
        read = tuple(one for at, one in enumerate(every) if one.at_ns >= since or at % 2)
        return read, Draw([one.at_ns for one in every], since, 2)


async def test_of_a_busy_agent_it_is_said_what_was_read() -> None:
    tasks = [
        replace(told_by(AGENT, number), start_ns=nanoseconds(START - timedelta(seconds=200 - number)))
        for number in range(100)
    ]
    judged = [EvalScore("right", task.start_ns, AGENT, passed=True, trace_id=task.id) for task in tasks]
    gather = gathering(Busy(tasks, judged))
    now, chosen = await gather(AGENT), await gather(AGENT, None, timedelta(minutes=15))
    assert now.missing == chosen.missing == ()
    told = [(one.traces, one.drawn_from, one.scores) for one in (*now.sources, *chosen.sources)]
    assert told == [(75, 100, 75), (50, 100, 50)]
    volume = now.signal("task_volume")
    assert volume is not None
    assert volume.n == 100


async def test_how_much_fails_now_is_told_by_verdicts_on_tasks_of_now() -> None:
    """A judge goes through a hundred old tasks; of now it tells one verdict, twice, and somebody tells one of no task."""
    old = [
        replace(told_by(AGENT, number), start_ns=nanoseconds(START - timedelta(hours=20))) for number in range(100, 200)
    ]
    new = told_by(AGENT, 2)
    lately = nanoseconds(START - timedelta(minutes=1))
    judged = [
        *(EvalScore("right", lately + 9, AGENT, passed=False, trace_id=one.id) for one in old),
        *(EvalScore("right", lately + at, AGENT, passed=True, trace_id=new.id) for at in range(2)),
        EvalScore("right", lately, AGENT, passed=False),
    ]
    store = KeptTraces((*old, new), judged)
    assert await wrong_share(store, HELPDESK.agent(AGENT), "", START) == 0.5
    assert await wrong_share(KeptTraces(old, judged[:100]), HELPDESK.agent(AGENT), "all", START) == 0.0


async def test_of_a_quiet_agent_it_is_asked_how_its_tasks_came_before() -> None:
    """Once an hour sixty tasks: the last ones came half an hour ago, and a look holds two such hours."""
    ago = [hour * 3600 + 1800 + 2 * place for hour in range(10) for place in range(60)]
    tasks = [
        replace(told_by(AGENT, n), start_ns=nanoseconds(START - timedelta(seconds=at))) for n, at in enumerate(ago)
    ]
    tasks = [replace(one, end_ns=one.start_ns + 10**9) for one in tasks]
    others = [
        replace(told_by("other", 10**6 + n), start_ns=nanoseconds(START - timedelta(seconds=9 * n))) for n in range(500)
    ]
    pace = (await gathering(KeptTraces((*tasks, *others)))(AGENT)).signal("task_volume")
    assert pace is not None
    assert pace.direction is not Direction.DOWN
    forgotten = [one for one in tasks if one.start_ns > nanoseconds(START - timedelta(minutes=90))]
    unknown = (await gathering(KeptTraces((*forgotten, *others)))(AGENT)).signal("task_volume")
    assert unknown is not None
    assert unknown.direction is Direction.DOWN


def sending(number: int, seconds_ago: int, place: str) -> Trace:
    at = nanoseconds(START - timedelta(seconds=seconds_ago))
    trace_id = f"{number:032x}"
    tool = ToolCall("send_mail", destination=place, manifest_hash="fresh" if place == "new.example" else "known")
    step = Span(trace_id, "02" * 8, "01" * 8, SpanKind.TOOL, "send_mail", at + 1, at + 2, tool=tool)
    return Trace(trace_id, AGENT, at, at + 10**9, spans=(step,))


async def test_what_a_draw_missed_is_not_called_new() -> None:
    """A fax goes out every hour or so: the draw has none of the earlier ones, but the store has."""
    places = {4: "fax.example", 4 * 60 + 2: "fax.example", 299: "fax.example", 298: "new.example"}
    tasks = [sending(number, (300 - number) * 16, places.get(number, "crm.example")) for number in range(300)]
    bundle = await gathering(Busy(tasks))(AGENT)
    new = {finding.detail.split(",")[0] for finding in bundle.findings if "not seen" in finding.detail}
    assert {one for one in new if " in " not in one} == {"send_mail sent to new.example"}
    assert [finding.kind for finding in bundle.findings if finding.kind is FindingKind.FIRST_SEEN_MANIFEST]
    sent = bundle.signal("new_destinations")
    assert sent is not None
    assert (sent.k, sent.note) == (1, "new.example")
    assert bundle.sources[0].traces == 226  # 225 drawn, and the first fax


async def test_what_a_draw_missed_was_there_before_only_where_its_environment_counts() -> None:
    """Staging sent a fax first, then production did; the draw has neither. Staging alone had the pager."""
    places = {62: "fax.example", 64: "fax.example", 66: "pager.example", 298: "pager.example", 299: "fax.example"}
    tasks = [
        replace(
            sending(number, (300 - number) * 16, places.get(number, "crm.example")),
            environment="staging" if number in {62, 66} else "production",
        )
        for number in range(300)
    ]
    bundle = await gathering(Busy(tasks))(AGENT, environment="production")
    new = [finding.detail for finding in bundle.findings if finding.kind is FindingKind.FIRST_SEEN_DESTINATION]
    assert [detail.partition(",")[0] for detail in new] == ["send_mail sent to pager.example"]


async def test_where_more_looks_new_than_is_looked_for_it_is_said_that_not_all_tasks_were_asked() -> None:
    """Each late task sends to a place of its own: 12 are looked for among all tasks, of the others only those read tell."""
    for several, words in ((MOST_SOUGHT, "tasks of"), (MOST_SOUGHT + 1, "tasks read of")):
        tasks = [
            sending(number, (300 - number) * 16, f"{number}.example" if number >= 300 - several else "crm.example")
            for number in range(300)
        ]
        bundle = await gathering(Busy(tasks))(AGENT)
        new = [finding.detail for finding in bundle.findings if finding.kind is FindingKind.FIRST_SEEN_DESTINATION]
        assert new
        assert all(words in detail for detail in new), new


async def test_what_was_judged_of_earlier_tasks_is_nothing_of_now() -> None:
    """A judge goes through all of yesterday's tasks at night; what it says of them is not how answers are now."""
    old = [
        replace(told_by(AGENT, number), start_ns=nanoseconds(START - timedelta(hours=20))) for number in range(100, 200)
    ]
    new = [told_by(AGENT, number) for number in range(30)]
    lately = nanoseconds(START - timedelta(minutes=1))
    judged = [EvalScore("right", lately, AGENT, passed=one in new, trace_id=one.id) for one in (*old, *new)]
    bundle = await gathering(KeptTraces((*old, *new), judged))(AGENT)
    quality, age = bundle.signal("quality"), bundle.signal("score_age")
    assert quality is not None
    assert (quality.k, quality.n, quality.baseline_n) == (0, 30, 0)
    assert age is not None
    assert age.value == 60  # the judge lives
    nobody_knows = [one._replace(trace_id=f"{place:032x}") for place, one in enumerate(judged[:5], 900)]
    unknown = (await gathering(KeptTraces(tuple(new), nobody_knows))(AGENT)).signal("quality")
    assert unknown is not None
    assert unknown.n == 5  # their tasks were sampled away: they count when they come


async def test_in_a_large_fleet_those_on_the_same_provider_are_looked_at() -> None:
    fleet = [replace(told_by(f"agent-{number:02}", number), provider="vega") for number in range(1, 30)]
    ours = [
        replace(told_by(name, 100 * place + n), provider="orion")
        for place, name in ((1, AGENT), (2, "zeta"))
        for n in range(3)
    ]
    assert (await gathering(KeptTraces((*fleet, *ours)))(AGENT)).same_provider == ("zeta",)


async def test_every_name_telemetry_uses_counts_once() -> None:
    known = Catalogue((Agent(AGENT, service_names=("helpdesk",), agent_names=("Helpdesk", AGENT)),))
    kept = (told_by(AGENT), told_by("helpdesk", 2), told_by("Helpdesk", 3), told_by("helpdesk", 1))
    assert (await gathering(KeptTraces(kept), catalogue=known)(AGENT)).sources[0].traces == 3


async def test_evidence_frozen_without_a_source_says_what_is_missing(office: Office) -> None:
    office.traces = Asked(failures=1)
    await office.verbs.declare(Declaration("It loops", AGENT), ANA, "d")
    await office.tasks.settle()
    state = await office.verbs.look.state("1")
    assert state.evidence_missing == ("The store is busy.",)
    frozen = await office.verbs.look.bundle(state)
    assert frozen is not None
    assert frozen.missing == state.evidence_missing
