"""The JSON API: one incident from declaration to review, and what bad input gets."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from bot.web.api.models.shape import IntervalShape
from bot.web.tokens import Tokens
from tests.web.fakes import World, ailing
from tests.web.memory import NOON


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_an_incident_goes_from_declaration_to_review(world: World) -> None:
    ailing(world)
    key = await world.declared()
    async with world.client(**{"Firstfive-Actor": "ana"}) as ana, world.client(**{"Firstfive-Actor": "ben"}) as ben:
        incident = f"/api/v1/incidents/{key}"
        stood = (await ana.get(f"{incident}/classification")).json()
        assert stood["suggested"]["class"] == "LOOP"
        said = {
            "class": "LOOP",
            "cause": "our-prompt",
            "severity": stood["suggested"]["severity_floor"],
            "comment": "same call again and again",
        }
        assert (await ana.post(f"{incident}/classification", json=said)).json()["status"] == "classified"
        offers = (await ana.get(f"{incident}/mitigations")).json()["offers"]
        assert offers[0]["kind"] == "turn-limit"
        order = {"kind": "turn-limit", "limit": 5, "reason": "stop the loops"}
        applied = await ana.post(f"{incident}/mitigations", json=order)
        assert (applied.status_code, applied.json()["label"]) == (201, "Turn limit 5")
        assert world.control.controls("helpdesk-agent").max_turns == 5
        lever = f"/api/v1/mitigations/{applied.json()['id']}"
        assert (await ana.post(f"{lever}/extend", json={"minutes": 30})).status_code == 200
        asked = await ana.post(f"{lever}/revert", json={"reason": "it is over"})
        assert (asked.status_code, asked.json()["live"]) == (202, True)
        alone = await ana.post(f"{lever}/approve", json={})
        assert (alone.status_code, alone.json()["type"]) == (403, "urn:firstfive:not-allowed")
        assert (await ben.post(f"{lever}/approve", json={})).json()["state"] == "reverted"
        assert (await ana.post(f"{incident}/notes", json={"text": "prompt p-119 looks wrong"})).status_code == 200
        assert (await ana.post(f"{incident}/updates", json={"text": "Limited; looking."})).status_code == 200
        resolved = (await ana.post(f"{incident}/resolve", json={"summary": "Rolled the prompt back."})).json()
        assert (resolved["status"], resolved["summary"]) == ("resolved", "Rolled the prompt back.")
        refused = await ben.post(f"{incident}/postmortem/review", json={})
        assert (refused.status_code, "monitoring gap" in refused.json()["detail"]) == (409, True)
        gap = f"{incident}/postmortem/sections/monitoring_gap"
        assert (await ana.put(gap, json={"text": "Steps P95 would have shown it at 12:01."})).status_code == 200
        assert (await ben.post(f"{incident}/postmortem/review", json={"comment": "clear"})).json()[
            "status"
        ] == "reviewed"
        events = (await ana.get(f"{incident}/timeline")).json()["events"]
        document = (await ana.get(f"{incident}/postmortem")).json()
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert {event["by"]["name"] for event in events} == {"API", "firstfive", "ana", "ben"}
    assert {"id": "api:ben", "name": "ben"} in [event["by"] for event in events]
    assert document["reviewed"]
    assert document["incident"]["key"] == key


async def test_the_classification_has_its_public_shape_and_names_the_onset(world: World) -> None:
    ailing(world)
    async with world.client() as client:
        said = (await client.get("/api/v1/agents/helpdesk-agent/classification")).json()
        at = NOON.timestamp()
        earlier = (await client.get("/api/v1/agents/helpdesk-agent/classification", params={"at": at - 600})).json()
    wanted = {"class", "cause", "confidence", "onset", "because", "rules_out", "severity_floor", "answers"}
    wanted |= {"suspects", "would_change", "onset_interval", "floor_reason"}
    assert wanted <= said.keys()
    assert said["class"] == "LOOP"
    assert said["onset"].startswith("2026-11-02T11:5")
    assert {one["to"] for one in said["would_change"]} >= {"SECU", "ACTN"}
    assert (earlier["class"], earlier["onset"]) == (None, None)


async def test_a_class_or_question_nobody_defined_is_refused_by_name(world: World) -> None:
    async with world.client() as client:
        key = (await client.post("/api/v1/incidents", json={"title": "odd", "agent": "helpdesk-agent"})).json()["key"]
        choice = {"class": "COST", "cause": "unknown", "severity": "SEV2"}
        refused = await client.post(f"/api/v1/incidents/{key}/classification", json=choice)
        answers = [{"question": "costly", "reply": "yes"}]
        asked = await client.post(
            f"/api/v1/incidents/{key}/classification", json={**choice, "class": "LOOP", "answers": answers}
        )
    assert refused.status_code == asked.status_code == 422
    assert "No class is called 'COST'. Use one of SECU, ACTN" in refused.json()["detail"]
    assert "No question is called 'costly'" in asked.json()["detail"]


async def test_an_agent_nobody_listed_is_answered_and_so_is_silence(world: World) -> None:
    async with world.client() as client:
        for path in ("classification", "evidence"):
            answer = await client.get(f"/api/v1/agents/stranger/{path}?at=2026-11-02T12:00:00%2B00:00")
            assert answer.status_code == 200
        assert (await client.get("/api/v1/agents")).json()[0]["name"] == "helpdesk-agent"


async def test_evidence_carries_n_interval_window_and_freshness(world: World) -> None:
    ailing(world)
    async with world.client() as client:
        evidence = (
            await client.get("/api/v1/agents/helpdesk-agent/evidence", params={"at": "2026-11-02T12:00:00Z"})
        ).json()
        other = await client.get("/api/v1/agents/helpdesk-agent/evidence", params={"window": "3s"})
    measured: list[dict[str, Any]] = [signal for signal in evidence["signals"] if signal["n"]]
    assert measured
    for signal in measured:
        assert signal["window"]["start"] < signal["window"]["end"]
        assert signal["freshness"] is None or signal["freshness"] >= 0
    assert evidence["findings"]
    assert evidence["sources"][0]["missing"] is None
    assert (other.status_code, other.json()["field"]) == (422, "window")


async def test_what_is_not_a_number_leaves_as_null() -> None:
    app = FastAPI()

    @app.get("/")
    def interval() -> IntervalShape:
        return IntervalShape(low=float("nan"), high=float("inf"))

    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as client:
        assert (await client.get("/")).text == '{"low":null,"high":null}'


async def test_a_trace_comes_with_its_steps_and_its_loop(world: World) -> None:
    ailing(world)
    looping = world.traces.kept[-1]
    async with world.client() as client:
        found = (await client.get(f"/api/v1/traces/{looping.id}")).json()
        none = await client.get("/api/v1/traces/ffff")
    loops = [finding for finding in found["findings"] if finding["kind"] == "loop"]
    assert len(loops[0]["span_ids"]) == 8
    assert len(found["steps"]) == 9
    assert (none.status_code, none.headers["content-type"]) == (404, "application/problem+json")


async def test_the_same_idempotency_key_makes_one_incident(world: World) -> None:
    said = {"title": "Twice", "agent": "helpdesk-agent"}
    async with world.client(**{"Idempotency-Key": "k1"}) as client:
        first = await client.post("/api/v1/incidents", json=said)
        again = await client.post("/api/v1/incidents", json=said)
    await world.queue.run()
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["key"] == again.json()["key"] == "INC-1"
    assert first.headers["location"] == "/api/v1/incidents/INC-1"


async def test_lists_page_by_cursor(world: World) -> None:
    for number in range(5):
        await world.declared(f"Incident {number}")
    async with world.client() as client:
        keys: list[str] = []
        cursor: str | None = None
        for _ in range(3):
            query = {"limit": "2"} | ({"cursor": cursor} if cursor else {})
            page = (await client.get("/api/v1/incidents", params=query)).json()
            keys += [incident["key"] for incident in page["incidents"]]
            cursor = page["next"]
        bad = await client.get("/api/v1/incidents", params={"cursor": "x"})
    assert keys == ["INC-5", "INC-4", "INC-3", "INC-2", "INC-1"]
    assert cursor is None
    assert bad.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/api/v1/incidents/INC-9", None, 404),
        ("GET", "/api/v1/incidents/nonsense", None, 404),
        ("GET", "/api/v1/nothing", None, 404),
        ("POST", "/api/v1/incidents", {"title": "", "agent": "helpdesk-agent"}, 422),
        ("POST", "/api/v1/incidents", {"title": "x" * 201, "agent": "helpdesk-agent"}, 422),
        ("POST", "/api/v1/incidents", {"title": "x", "agent": "a", "colour": "red"}, 422),
        ("POST", "/api/v1/incidents", {"title": "x", "agent": "a", "severity": "SEV9"}, 422),
        ("GET", "/api/v1/agents/a/evidence?at=yesterday", None, 422),
        ("GET", "/api/v1/agents/a/evidence?at=99999999999999999999999", None, 422),
        ("POST", "/api/v1/mitigations/none/revert", {}, 404),
    ],
)
async def test_bad_input_gets_one_sentence_as_problem_details(
    world: World, method: str, path: str, body: dict[str, str] | None, status: int
) -> None:
    async with world.client() as client:
        answer = await client.request(method, path, json=body)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    problem = answer.json()
    assert problem["status"] == status
    assert problem["detail"].endswith(".")


async def test_the_api_is_described_and_nothing_in_it_comes_from_elsewhere(world: World) -> None:
    async with world.client() as client:
        description = (await client.get("/api/openapi.json")).json()
        assert (await client.get("/api/docs")).status_code == 404
    assert description["servers"] == [{"url": "/api"}]
    assert "/v1/agents/{agent}/classification" in description["paths"]
    assert "class" in description["components"]["schemas"]["ClassificationShape"]["properties"]


async def test_the_api_asks_for_its_token_and_refuses_other_sites(tmp_path: Path) -> None:
    world = World(tmp_path, tokens=Tokens(api="oak"))
    async with world.client() as client:
        answer = await client.get("/api/v1/incidents")
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        assert (await client.get("/api/v1/incidents", headers={"Authorization": "Bearer oak"})).status_code == 200
        elsewhere = {"Authorization": "Bearer oak", "Origin": "http://evil.example"}
        said = {"title": "x", "agent": "a"}
        assert (await client.post("/api/v1/incidents", json=said, headers=elsewhere)).status_code == 403
    assert world.records.kept.opened == {}


async def test_a_body_beyond_a_mebibyte_is_refused_however_it_is_sent(world: World) -> None:
    async def drops() -> AsyncIterator[bytes]:
        for _ in range(3):
            yield b'"' + b"x" * 600_000

    async with world.client() as client:
        whole = await client.post("/api/v1/incidents", content=b"x" * 2_000_000)
        chunked = await client.post("/api/v1/incidents", content=drops(), headers={"content-type": "application/json"})
    assert [whole.status_code, chunked.status_code] == [413, 413]
    assert "1 MiB" in whole.json()["detail"]


async def test_a_window_of_ones_choice_is_what_is_measured(world: World) -> None:
    ailing(world)
    async with world.client() as client:
        for text in ("15m", "PT15M", "900s", "900"):
            answer = await client.get("/api/v1/agents/helpdesk-agent/evidence", params={"window": text})
            window = answer.json()["window"]
            assert (window["start"], window["end"]) == ("2026-11-02T11:45:00Z", "2026-11-02T12:00:00Z")
        wrong = await client.get("/api/v1/agents/helpdesk-agent/evidence", params={"window": "soon"})
    assert (wrong.status_code, wrong.json()["field"]) == (422, "window")
    assert wrong.json()["detail"] == "'soon' is no length of time; write it like 15m, 2h, 900s or PT15M."


async def test_evidence_names_slow_steps_a_pair_and_what_its_charts_show(world: World) -> None:
    ailing(world)
    async with world.client() as client:
        evidence = (await client.get("/api/v1/agents/helpdesk-agent/evidence")).json()
    assert evidence["slow_steps"][0]["n"] > 0
    pair = evidence["pair"]
    assert pair["page"] == f"/traces/{pair['bad']}/beside/{pair['good']}"
    assert {course["signal"] for course in evidence["courses"]} >= {"task_failures", "quality"}
    assert evidence["courses"][0]["points"][0].keys() == {"start", "k", "n"}
    assert len(evidence["steps"]["now"]) == len(evidence["steps"]["before"])
    assert {"usual", "usual_n"} <= evidence["signals"][0].keys()


async def test_a_trace_carries_its_verdicts_and_the_way_to_ones_own_tool(tmp_path: Path) -> None:
    world = ailing(World(tmp_path, trace_url="https://traces.test/t/{trace_id}"))
    task = world.traces.kept[-1]
    async with world.client() as client:
        found = (await client.get(f"/api/v1/traces/{task.id}")).json()
    assert found["url"] == f"https://traces.test/t/{task.id}"
    assert [(score["name"], score["passed"]) for score in found["scores"]] == [("helpful", False)]
    assert not any(step["inferred"] for step in found["steps"])


async def test_a_verdict_is_shown_once_and_on_the_task_of_its_agent_only(tmp_path: Path) -> None:
    """Sent as an event of the span and as a log record it is one; one that names another agent is about nothing here."""
    world = ailing(World(tmp_path))
    task = world.traces.kept[-1]
    helpful = next(score for score in world.traces.scored if score.trace_id == task.id)
    again = helpful._replace(at_ns=helpful.at_ns + 1)
    strange = helpful._replace(name="strange", agent="somebody-else")
    of_nobody = helpful._replace(name="of nobody", agent=None)
    world.traces.scored = (*world.traces.scored, again, strange, of_nobody)
    async with world.client() as client:
        single = (await client.get(f"/api/v1/traces/{task.id}")).json()
        lists = [
            (await client.get("/api/v1/traces", params={"agent": task.agent, "findings": wanted})).json()["traces"]
            for wanted in (False, True)
        ]
        page = (await client.get(f"/traces/{task.id}")).text
    for found in (single, *(next(one for one in listed if one["trace_id"] == task.id) for listed in lists)):
        assert [score["name"] for score in found["scores"]] == ["of nobody", "helpful"]
    assert ("of nobody" in page, "strange" in page) == (True, False)


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"limit": True}, "limit: Give a number, not true or false."),
        ({"value": 5, "minutes": True}, "minutes: Give a number, not true or false."),
        ({"value": 5, "limit": 6}, "Give the figure as value or as limit; both are there, and they differ."),
        ({"value": 5, "reason": "x" * 2001}, "The reason has 2001 characters; 2000 fit. Shorten it and put"),
        ({"value": 5, "reason": "\ud800"}, "'reason' has characters that are no text."),
        ({"value": 5, "reason": "a\0b"}, "'reason' has characters that are no text."),
    ],
)
async def test_an_order_that_is_odd_gets_one_sentence(world: World, body: dict[str, Any], sentence: str) -> None:
    async with world.client() as client:
        text = json.dumps({"agent": "helpdesk-agent", "kind": "turn-limit", **body})
        answer = await client.post("/api/v1/mitigations", content=text, headers={"content-type": "application/json"})
    assert (answer.status_code, sentence in answer.json()["detail"]) == (422, True), answer.text
    assert world.control.controls("helpdesk-agent").max_turns is None


@pytest.mark.parametrize(("text", "sentence"), [("{", "body: It is not JSON."), ("[]", "body: Send a JSON object.")])
async def test_a_body_that_is_none_is_told_so(world: World, text: str, sentence: str) -> None:
    async with world.client() as client:
        answer = await client.post("/api/v1/mitigations", content=text, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (422, sentence)


async def test_spaces_around_a_scope_bind_nobody_less_and_a_name_is_one_in_either_encoding(world: World) -> None:
    key = await world.declared()
    order = {"kind": "turn-limit", "value": 5, "scope": {"tenant": " acme "}}
    async with world.client() as client:
        client.headers = httpx.Headers({"Firstfive-Actor": "Jörg"}, encoding="utf-8")
        applied = (await client.post(f"/api/v1/incidents/{key}/mitigations", json=order)).json()
    assert (applied["scope"]["tenant"], applied["applied_by"]["name"]) == ("acme", "Jörg")


async def test_more_time_given_while_another_question_is_open_is_given_and_says_so(world: World) -> None:
    key = await world.declared()
    async with world.client(**{"Firstfive-Actor": "ana"}) as ana:
        order = {"kind": "turn-limit", "value": 5}
        lever = (await ana.post(f"/api/v1/incidents/{key}/mitigations", json=order)).json()["id"]
        assert (await ana.post(f"/api/v1/mitigations/{lever}/revert", json={})).status_code == 202
        assert (await ana.post(f"/api/v1/mitigations/{lever}/extend", json={"minutes": 5})).status_code == 200
