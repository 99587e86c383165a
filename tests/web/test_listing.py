"""The newest traces of an agent in one answer: quick, paged, and as described."""

from pathlib import Path

import pytest

from bot.incident.telemetry import EvalScore
from bot.web.api.models.traces import TracesShape
from tests.web.fakes import HOSTILE, World, ailing

ADDRESS = "/api/v1/traces?agent=helpdesk-agent"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return ailing(World(tmp_path, trace_url="https://traces.test/t/{trace_id}"))


async def test_the_last_failed_tasks_come_with_steps_and_scores(world: World) -> None:
    async with world.client() as client:
        answer = await client.get(f"{ADDRESS}&failed=true&limit=5&spans=true&findings=true")
    found = TracesShape.model_validate(answer.json())
    assert answer.headers["content-type"] == "application/json"
    assert [trace.trace_id for trace in found.traces] == [task.id for task in reversed(world.traces.kept[-5:])]
    newest = found.traces[0]
    assert newest.failed
    assert newest.steps is not None
    assert len(newest.steps) == 9
    assert newest.steps[1].tool
    assert newest.steps[1].tool["arguments_preview"] == HOSTILE
    assert newest.findings is not None
    assert newest.findings[0].kind == "loop"
    assert [(score.name, score.passed) for score in newest.scores] == [("helpful", False)]
    assert newest.url == f"https://traces.test/t/{newest.trace_id}"


async def test_steps_are_left_out_unless_asked_for(world: World) -> None:
    async with world.client() as client:
        found = TracesShape.model_validate((await client.get(f"{ADDRESS}&limit=3")).json())
    assert [(trace.steps, trace.findings) for trace in found.traces] == [(None, None)] * 3


async def test_pages_follow_one_another_without_gap_or_repeat(world: World) -> None:
    seen: list[str] = []
    cursor = ""
    async with world.client() as client:
        for _ in range(10):
            page = (await client.get(f"{ADDRESS}&limit=40{cursor}")).json()
            seen += [trace["trace_id"] for trace in page["traces"]]
            if page["next"] is None:
                break
            cursor = f"&before={page['next']}"
    assert seen == [task.id for task in reversed(world.traces.kept)]


async def test_an_agent_that_sent_nothing_has_an_empty_list(world: World) -> None:
    async with world.client() as client:
        answer = await client.get("/api/v1/traces?agent=stranger")
    assert answer.json() == {"traces": [], "next": None}


async def test_half_a_character_and_no_number_still_leave_as_json(world: World) -> None:
    newest = world.traces.kept[-1]
    world.traces.scored = [
        EvalScore("odd", newest.start_ns, newest.agent, value=float("nan"), trace_id=newest.id, explanation="\ud83d")
    ]
    async with world.client() as client:
        answer = await client.get(f"{ADDRESS}&limit=1")
    score = answer.json()["traces"][0]["scores"][0]
    assert (score["value"], score["explanation"]) == (None, "\ud83d")


@pytest.mark.parametrize(
    ("query", "field"),
    [("limit=0", "limit"), ("limit=1000", "limit"), ("before=x", "before"), ("failed=perhaps", "failed")],
)
async def test_a_bad_question_gets_one_sentence(world: World, query: str, field: str) -> None:
    async with world.client() as client:
        answer = await client.get(f"{ADDRESS}&{query}")
    assert answer.status_code == 422
    assert field in str(answer.json())


async def test_the_list_is_described(world: World) -> None:
    async with world.client() as client:
        described = (await client.get("/api/openapi.json")).json()
    answer = described["paths"]["/v1/traces"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer["$ref"].endswith("/TracesShape")
