"""Pages: what a responder sees, and that hostile text stays text."""

import gzip
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.incident.telemetry import GuardrailCheck, ModelCall, Span, SpanKind, ToolCall, Trace
from bot.response.gather import nanoseconds
from bot.web.moments import EPOCH
from bot.web.pages.steps import Words, ordinal, runs_of, steps_of
from bot.web.pages.traces import Cell, Row, stretches
from bot.web.tokens import Tokens
from tests.web.fakes import HOSTILE, World, ailing
from tests.web.memory import NOON

CELL = Cell("■", "tool", "search", 0.1, (), (), "s")
READ = ToolCall("search", arguments_hash="a")
NOW_NS = nanoseconds(NOON)
HERE = {"Origin": "http://test"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return ailing(World(tmp_path))


async def test_the_first_page_lists_incidents_and_the_agents_at_a_glance(world: World) -> None:
    key = await world.declared("السلام — it loops 🔁")
    async with world.client() as client:
        first = (await client.get("/")).text
        glance = (await client.get("/glance")).text
    assert f'href="/incidents/{key}"' in first
    assert "السلام — it loops 🔁" in first
    assert "looks like LOOP" in glance


async def test_an_incident_shows_ladder_reasons_figures_levers_and_who_did_what(world: World) -> None:
    key = await world.declared()
    async with world.client(**{"Firstfive-Actor": "ana"}) as client:
        said = {"class": "LOOP", "cause": "our-prompt", "severity": "SEV1"}
        await client.post(f"/api/v1/incidents/{key}/classification", json=said)
        await client.post(f"/api/v1/incidents/{key}/mitigations", json={"kind": "turn-limit", "limit": 5})
        page = (await client.get(f"/incidents/{key.lower()}")).text
        figures = (await client.get(f"/incidents/{key}/figures")).text
    assert 'aria-current="step">mitigated<' in page
    assert "loop without progress" in page
    assert "our-prompt" in page
    assert "Turn limit 5" in page
    assert "Not proven yet." in page
    assert '<span class="who">ana</span>' in page
    assert "Do not kill the whole agent." in page
    assert "Figures at the declaration" in page
    assert "95 % interval" in figures
    assert "Figures now" in figures


async def test_a_part_that_has_not_changed_is_not_sent_again(world: World) -> None:
    key = await world.declared()
    async with world.client() as client:
        first = await client.get(f"/incidents/{key}/story")
        same = await client.get(f"/incidents/{key}/story", headers={"If-None-Match": first.headers["etag"]})
        await client.post(f"/api/v1/incidents/{key}/notes", json={"text": "something new"})
        changed = await client.get(f"/incidents/{key}/story", headers={"If-None-Match": first.headers["etag"]})
    assert (same.status_code, changed.status_code) == (304, 200)
    assert "something new" in changed.text


@pytest.mark.parametrize("address", ["/incidents", "/agents", "/agents/"])
async def test_an_address_above_a_page_is_the_first_page(world: World, address: str) -> None:
    """Whoever shortens an agent's address by hand must not see an agent without a name."""
    async with world.client() as client:
        page = await client.get(address)
    assert (page.status_code, 'id="agents-title"' in page.text) == (200, True)


async def test_hostile_text_is_shown_and_never_run(world: World) -> None:
    key = await world.declared(HOSTILE)
    trace = world.traces.kept[-1].id
    async with world.client() as client:
        await client.post(f"/api/v1/incidents/{key}/notes", json={"text": HOSTILE})
        pages = [
            await client.get(path)
            for path in (
                "/",
                f"/incidents/{key}",
                f"/incidents/{key}/figures",
                f"/traces/{trace}",
                f"/agents/{HOSTILE}",
            )
        ]
    for page in pages:
        assert page.status_code == 200
        assert HOSTILE not in page.text
        assert "script-src 'self';" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        assert page.headers["x-content-type-options"] == "nosniff"
        # Nothing is loaded from elsewhere and nothing runs inline.
        assert not re.findall(r'(?:src|href)="(?:https?:)?//', page.text)
        assert not re.findall(r"<script(?! src=\"/static/|\s+type=\"application/json\")", page.text)


async def test_a_trace_shows_errors_and_repeats_at_a_glance(world: World) -> None:
    async with world.client() as client:
        page = (await client.get(f"/traces/{world.traces.kept[-1].id}")).text
        none = await client.get("/traces/unknown")
    assert re.search(r"<strong>8 .</strong> <code>lookup_user</code> with the same arguments", page)
    assert "↻ 1st of 8 the same" in page
    assert "↻ 8th of 8 the same" in page
    assert "✕ failed: step_limit" in page
    assert "<strong>helpful</strong> ✕ failed" in page
    assert "100 ms" in page
    assert none.status_code == 404
    assert "No trace unknown is kept here" in none.text


async def test_an_agent_can_be_looked_at_as_of_another_moment_and_stays_there(world: World) -> None:
    async with world.client() as client:
        then = (await client.get("/agents/helpdesk-agent?at=2026-11-02T11:30:00")).text
        nonsense = await client.get("/agents/helpdesk-agent?at=yesterday")
    assert "What telemetry said then" in then
    assert "data-fragment" not in then
    assert 'value="2026-11-02T11:30:00"' in then
    assert "Back to now" in then
    assert (nonsense.status_code, "is no moment" in nonsense.text) == (422, True)


async def test_where_nothing_arrives_the_newest_kept_task_is_one_click_away(world: World) -> None:
    newest = world.traces.kept[-1]
    world.clock.moment += timedelta(days=3)
    async with world.client() as client:
        figures = (await client.get("/agents/helpdesk-agent/figures")).text
        moment = re.search(r'href="(/agents/helpdesk-agent\?at=[^"]+)"', figures)
        assert moment
        then = (await client.get(moment[1])).text
    assert newest.agent == "helpdesk-agent"
    assert "looks like" not in figures
    assert "LOOP" in then


async def test_an_agent_nobody_listed_says_so(world: World) -> None:
    async with world.client() as client:
        page = (await client.get("/agents/stranger")).text
        assert (await client.get("/agents/helpdesk-agent/figures")).status_code == 200
    assert "not in the catalogue" in page


async def test_the_postmortem_is_filled_and_reviewed_from_its_page(world: World) -> None:
    key = await world.declared()
    address = f"/incidents/{key}/postmortem"
    async with world.client() as client:
        await client.post(f"/api/v1/incidents/{key}/resolve", json={"summary": "Over."})
        before = (await client.get(address)).text
        assert "<h1>INC-1</h1>" in before
        assert "<html" not in before.split("<article", 1)[1]
        assert "The monitoring gap must be filled first." in before
        nameless = await client.post(
            f"{address}/sections/monitoring_gap", data={"text": "typed already", "name": " "}, headers=HERE
        )
        assert (nameless.status_code, "typed already" in nameless.text) == (422, True)
        filled = {"text": "Steps P95 at 12:01.", "name": "Ana", "click": "c1"}
        saved = await client.post(f"{address}/sections/monitoring_gap", data=filled, headers=HERE)
        assert (saved.status_code, saved.headers["location"]) == (303, f"{address}#write-monitoring_gap")
        done = await client.post(f"{address}/review", data={"name": "Ben", "click": "c2"}, headers=HERE)
        assert done.status_code == 303
        after = (await client.get(f"/incidents/{key}")).text
    assert "reviewed</li>" in after
    assert [event.by.id for event in world.records.kept.events[world.records.kept.keys.popitem()[1]]][-2:] == [
        "api:Ana",
        "api:Ben",
    ]


async def test_a_form_sent_from_another_site_changes_nothing(world: World) -> None:
    key = await world.declared()
    form = {"text": "x", "name": "Mallory"}
    async with world.client() as client:
        for header in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "null"}):
            answer = await client.post(f"/incidents/{key}/postmortem/sections/summary", data=form, headers=header)
            assert answer.status_code == 403
        huge = await client.post(
            f"/incidents/{key}/postmortem/sections/summary", data={"text": "x" * 300_000}, headers=HERE
        )
        assert huge.status_code == 422


async def test_with_an_api_token_pages_ask_for_it_once(tmp_path: Path) -> None:
    world = World(tmp_path, tokens=Tokens(api="oak"))
    async with world.client(Accept="text/html") as client:
        sent = await client.get("/incidents/INC-1")
        assert (sent.status_code, sent.headers["location"]) == (303, "/sign-in?next=/incidents/INC-1")
        assert (await client.get("/static/pages.css")).status_code == 200
        wrong = await client.post("/sign-in", data={"token": "elm", "next": "/"}, headers=HERE)
        assert (wrong.status_code, "not the API token" in wrong.text) == (401, True)
        right = await client.post("/sign-in", data={"token": "oak", "next": "//evil.example"}, headers=HERE)
        assert (right.status_code, right.headers["location"]) == (303, "/")
        assert "oak" not in right.headers["set-cookie"]
        assert "HttpOnly" in right.headers["set-cookie"]
        assert (await client.get("/")).status_code == 200


async def test_what_is_not_there_gets_one_sentence(world: World) -> None:
    async with world.client() as client:
        for path in ("/incidents/INC-9", "/nothing", "/incidents/x/postmortem"):
            answer = await client.get(path)
            assert (answer.status_code, "<p>" in answer.text) == (404, True)


async def test_the_chart_script_is_made_once_and_kept(world: World) -> None:
    kept = next(iter(world.cache.glob("*.js.gz")), None)
    assert kept is None
    async with world.client() as client:
        first = await client.get("/static/vega-bundle.js", headers={"Accept-Encoding": "gzip"})
        plain = await client.get("/static/vega-bundle.js", headers={"Accept-Encoding": "identity"})
    assert first.status_code == 200
    assert "vegaEmbed" in first.text
    assert first.text == plain.text
    (kept,) = world.cache.glob("*.js.gz")
    assert gzip.decompress(kept.read_bytes()).decode() == first.text


async def test_a_trace_leads_to_ones_own_tool_and_to_nothing_dangerous(tmp_path: Path) -> None:
    for address, shown in (("https://traces.test/t/{trace_id}", True), ("javascript:alert(1)//{trace_id}", False)):
        world = ailing(World(tmp_path, trace_url=address))
        trace = world.traces.kept[-1].id
        async with world.client() as client:
            page = (await client.get(f"/traces/{trace}")).text
            figures = (await client.get("/agents/helpdesk-agent/figures")).text
        assert (f'href="https://traces.test/t/{trace}"' in page) is shown
        assert ("in your tool" in figures) is shown
        assert "javascript:" not in page + figures


async def test_a_bad_task_stands_beside_a_good_one_with_the_first_difference_marked(world: World) -> None:
    good, bad = world.traces.kept[0].id, world.traces.kept[-1].id
    async with world.client() as client:
        page = (await client.get(f"/traces/{bad}/beside/{good}")).text
        none = await client.get(f"/traces/{bad}/beside/unknown")
        same = (await client.get(f"/traces/{good}/beside/{good}")).text
    assert page.count('id="first-difference"') == 1
    assert "They first differ at row 2 of 8." in page
    assert "first difference: only in the bad one" in page
    assert "no such step" in page
    assert HOSTILE not in page
    assert (none.status_code, "No trace unknown is kept here" in none.text) == (404, True)
    assert "Their steps are the same, one by one" in same


async def test_evidence_stands_worst_first_with_slow_steps_changes_and_a_pair(world: World) -> None:
    async with world.client() as client:
        figures = (await client.get("/agents/helpdesk-agent/figures")).text
        trace = (await client.get(f"/traces/{world.traces.kept[-1].id}")).text
    pair = re.search(r'href="(/traces/[0-9a-f]{32}/beside/[0-9a-f]{32})"', figures)
    assert pair
    order = ("Began about", "what moved, worst first", "Where the time goes", "findings in traces", "Sources:")
    places = [figures.index(words) for words in order]
    assert places == sorted(places)
    assert figures.index("tasks failed") < figures.index('data-keep="rest"')
    assert {f'data-chart="{name}"' in figures for name in ("shares", "over-time", "pass-rate", "steps")} == {True}
    assert "+100 points (" in figures
    assert "to its first step" in trace


def test_a_step_is_drawn_where_it_was_alone_and_says_what_is_odd() -> None:
    calls = [
        Span("t", "root", None, SpanKind.AGENT, "invoke_agent", 0, 1000, agent="a"),
        Span("t", "m", "root", SpanKind.LLM, "chat", 100, 400, model=ModelCall(requested="big", answering="small")),
        Span("t", "g", "root", SpanKind.GUARDRAIL, "check", 600, 600, guardrail=GuardrailCheck("pii", triggered=True)),
        Span("t", "w", "root", SpanKind.TOOL, "call", 700, 900, error=True, error_type="timeout", tool=READ),
        Span("t", "v", "w", SpanKind.TOOL, "call", 650, 2000, tool=READ, inferred=True),
    ]
    root, model, check, broken, again = steps_of(Trace("t", "a", 0, 1000, spans=tuple(calls)), (), 9)
    assert [(bar.at, bar.width) for bar in root.alone] == [(0, 100), (400, 200), (600, 100), (900, 100)]
    assert [mark.words for mark in model.marks] == ["asked big, small answered"]
    assert [mark.words for mark in check.marks] == ["✕ triggered"]
    assert [mark.words for mark in broken.marks] == ["✕ error: timeout", "↻ 1st of 2 the same"]
    assert [mark.words for mark in again.marks] == ["↻ 2nd of 2 the same", "inferred from the model's answer"]
    assert broken.alone == ()
    assert all(bar.at + bar.width <= 1000 for step in (root, model, check, again) for bar in (step.whole, *step.alone))
    assert [ordinal(number) for number in (1, 2, 3, 4, 11, 12, 21, 113)] == [
        "1st",
        "2nd",
        "3rd",
        "4th",
        "11th",
        "12th",
        "21st",
        "113th",
    ]


def test_a_long_run_on_one_side_is_folded_and_numbering_goes_on() -> None:
    both = Row(CELL, CELL, "the same", same=True, first=False)
    bad = Row(CELL, None, "only in the bad one", same=False, first=False)
    found = stretches([both, *[bad] * 10, both])
    assert [(len(part.rows), part.start, part.folded) for part in found] == [
        (1, 1, False),
        (6, 2, False),
        (4, 8, True),
        (1, 12, False),
    ]


def test_a_long_text_is_folded_to_one_line_and_a_short_one_stands_there_whole() -> None:
    assert Words("said", "Initial plan:\n\n" + "search the archive " * 9).brief.startswith(
        "Initial plan: search the archive"
    )
    assert Words("said", "Done.\n\nNothing is left.").brief == ""


async def test_an_agent_in_several_environments_is_looked_at_one_by_one(world: World) -> None:
    """The page shows production, says what it does not count, and leads to the others and to all together."""
    elsewhere = (replace(task, id=f"f{task.id[1:]}", environment="stag&ing") for task in world.traces.kept[:9])
    world.traces.kept = (*world.traces.kept, *elsewhere)
    async with world.client() as client:
        live = (await client.get("/agents/helpdesk-agent/figures")).text
        there = (await client.get("/agents/helpdesk-agent?environment=stag%26ing")).text
        figures = (await client.get("/agents/helpdesk-agent/figures?environment=stag%26ing")).text
        every = (await client.get("/agents/helpdesk-agent/figures?environment=all")).text
    assert '<strong aria-current="true">production</strong>' in live
    assert 'href="/agents/helpdesk-agent?environment=stag%26ing">stag&amp;ing</a>' in live
    assert '<p class="soft" dir="auto">9 tasks of stag&amp;ing are not counted</p>' in live
    assert 'data-fragment="/agents/helpdesk-agent/figures?environment=stag%26ing"' in there
    assert '<strong aria-current="true">stag&amp;ing</strong>' in figures
    assert f"{len(world.traces.kept) - 9} tasks of production are not counted" in figures
    assert '<strong aria-current="true">all</strong>' in every
    assert "not counted" not in every


async def test_where_telemetry_has_another_name_for_production_the_page_warns(world: World) -> None:
    world.traces.kept = tuple(replace(task, environment="live") for task in world.traces.kept)
    async with world.client() as client:
        figures = (await client.get("/agents/helpdesk-agent/figures")).text
    assert '<p class="gap" dir="auto">No task names the environment production, so ' in figures
    assert "Tasks of:" not in figures


async def test_an_incident_s_page_shows_its_own_environment(world: World) -> None:
    calm = (replace(task, id=f"f{task.id[1:]}", environment="staging") for task in world.traces.kept[:200])
    world.traces.kept = (*world.traces.kept, *calm)
    async with world.client() as client:
        declared = {"title": "It is slow", "agent": "helpdesk-agent", "environment": "staging"}
        key = (await client.post("/api/v1/incidents", json=declared)).json()["key"]
        await world.queue.run()
        page, figures = [(await client.get(f"/incidents/{key}{part}")).text for part in ("", "/figures")]
        asked = (await client.get("/api/v1/agents/helpdesk-agent/evidence?environment=STAGING")).json()
        said = (await client.get("/api/v1/agents/helpdesk-agent/classification?environment=staging")).json()
        ours = (await client.get("/api/v1/agents/helpdesk-agent/evidence")).json()
    assert 'href="/agents/helpdesk-agent?environment=staging"' in page
    notes = [f"{len(world.traces.kept) - 200} tasks of production are not counted"]
    assert figures.count(notes[0]) == 2  # now, and frozen at the declaration
    assert (asked["environment"], asked["environment_notes"], said["environment_notes"]) == ("STAGING", notes, notes)
    assert said["class"] == "UNKN"  # it has been silent for a while
    assert (ours["environment"], ours["left_out"]) == ("production", {"staging": 200})


async def test_of_too_few_tasks_nobody_says_that_all_is_well(world: World) -> None:
    """Green is for what was measured; an agent with two tasks is neither well nor ill."""
    world.traces.kept, world.traces.scored = world.traces.kept[:2], ()
    world.clock.moment = EPOCH + timedelta(microseconds=world.traces.kept[-1].end_ns // 1000)
    async with world.client() as client:
        glance = (await client.get("/glance")).text
    assert "nothing unusual, but only 2 tasks in 10 min" in glance
    assert 'class="card unknown"' in glance
    assert 'class="card good"' not in glance


async def test_an_agent_that_fell_silent_stays_on_the_first_page(world: World) -> None:
    """It is unlisted and sends nothing any more: exactly then somebody looks for it."""
    world.traces.kept = tuple(replace(trace, agent="gone-quiet") for trace in world.traces.kept)
    world.clock.moment += timedelta(hours=5)
    async with world.client() as client:
        glance = (await client.get("/glance")).text
    assert "gone-quiet" in glance
    assert "no span of this agent in the last 90 min" in glance


def test_a_long_trace_shows_what_is_odd_and_folds_the_rest() -> None:
    calls = [
        Span(
            "t",
            f"s{n}",
            None,
            SpanKind.TOOL,
            "call",
            n,
            n + 1,
            error=n == 50,
            tool=ToolCall("read", arguments_hash=str(n)),
        )
        for n in range(100)
    ]
    steps = steps_of(Trace("t", "a", 0, 100, spans=tuple(calls)), (), 200)
    runs = runs_of(steps)
    assert [(len(run.steps), run.folded) for run in runs] == [
        (4, False), (45, True), (1, False),
        (1, False),
        (4, False), (44, True), (1, False),
    ]  # fmt: skip
    assert [step for run in runs for step in run.steps] == steps
    assert [run.folded for run in runs_of(steps[:24])] == [False]


def test_of_the_same_call_many_times_the_first_three_stay_in_sight() -> None:
    calls = [Span("t", f"s{n}", None, SpanKind.TOOL, "call", n, n + 1, tool=READ) for n in range(100)]
    runs = runs_of(steps_of(Trace("t", "a", 0, 100, spans=tuple(calls)), (), 200))
    assert [(len(run.steps), run.folded) for run in runs] == [(3, False), (4, False), (92, True), (1, False)]


async def test_a_loop_of_words_is_not_called_no_repeat(world: World) -> None:
    """Its calls stand in the text, so no call is counted; the loop is found all the same."""
    said = 'Thought: I should search.\nAction: search_kb\nAction Input: {"q": "vpn"}'
    turns = [
        Span("f" * 32, f"{n:016x}", None, SpanKind.LLM, "chat", NOW_NS + n, NOW_NS + n + 1, said=said, model=ModelCall("p", "m"))
        for n in range(12)
    ]  # fmt: skip
    world.traces.kept = (Trace("f" * 32, "helpdesk-agent", NOW_NS, NOW_NS + 12, spans=tuple(turns)),)
    async with world.client() as client:
        page = (await client.get(f"/traces/{'f' * 32}")).text
    assert "<strong>loop</strong>" in page
    assert "no call repeated" not in page
