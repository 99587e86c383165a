"""Pipelines announce what they change; evidence then shows it beside what telemetry sees."""

import json
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from bot.incident.evidence import Change, ChangeKind
from bot.ports import Announcements
from bot.response.gather import nanoseconds
from bot.web.tokens import Tokens
from tests.web.fakes import World, ailing
from tests.web.memory import NOON

DEPLOY = {"kind": "deploy", "agent": "helpdesk-agent", "environment": "production", "before": "v41", "after": "v42"}


@dataclass
class Heard(Announcements):
    """What was announced, by key."""

    kept: dict[str, tuple[str, str, Change]] = field(default_factory=dict)

    async def announce(self, agent: str, environment: str, change: Change, key: str) -> None:
        self.kept.setdefault(key, (agent, environment, change))

    async def about(self, agents: Collection[str], start_ns: int, end_ns: int) -> tuple[Change, ...]:
        found = (change for agent, _, change in self.kept.values() if agent in {*agents, ""})
        return tuple(change for change in found if start_ns <= change.first_seen_ns < end_ns)


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def world(tmp_path: Path, heard: Heard) -> World:
    return ailing(World(tmp_path, announcements=heard))


async def test_a_deploy_is_kept_and_stands_in_the_evidence(world: World, heard: Heard) -> None:
    at = NOON - timedelta(minutes=6)
    async with world.client() as client:
        answer = await client.post("/hooks/changes", json=DEPLOY | {"at": at.isoformat(), "key": "run-9"})
        evidence = (await client.get("/api/v1/agents/helpdesk-agent/evidence")).json()
    assert (answer.status_code, answer.json()) == (202, {"key": "run-9"})
    assert heard.kept["run-9"][2] == Change(ChangeKind.DEPLOY, "v41", "v42", nanoseconds(at), 0, 0)
    told = next(change for change in evidence["changes"] if change["kind"] == "deploy")
    assert (told["before"], told["after"], told["k"]) == ("v41", "v42", told["n"])
    assert told["n"] > 0


async def test_without_a_moment_it_is_now_and_without_an_agent_it_is_for_all(world: World, heard: Heard) -> None:
    async with world.client() as client:
        answer = await client.post("/hooks/changes", json={"kind": "flag", "after": "new-planner on"})
    agent, environment, change = heard.kept[answer.json()["key"]]
    assert (agent, environment, change.first_seen_ns) == ("", "", nanoseconds(NOON))


async def test_the_same_change_sent_again_is_kept_once(world: World, heard: Heard) -> None:
    body = DEPLOY | {"at": "2026-11-02T11:50:00Z"}
    async with world.client() as client:
        keys = {(await client.post("/hooks/changes", json=body)).json()["key"] for _ in range(3)}
    assert len(keys) == len(heard.kept) == 1


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "The body is no JSON"),
        (b"[" * 30_000, "The body is no JSON"),
        (b"[]", "The body is no JSON object"),
        (b"x" * 70_000, "larger than 64 KiB"),
        ({"after": "v1"}, "kind is one of deploy, flag, prompt, tool, index."),
        ({"kind": "release", "after": "v1"}, "kind is one of"),
        ({"kind": "deploy"}, "after is the new version"),
        ({"kind": "deploy", "after": " "}, "after is the new version"),
        ({"kind": "deploy", "after": ["v1"]}, "The field after is a text."),
        ({"kind": "deploy", "after": "v" * 201}, "at most 200"),
        ({"kind": "deploy", "after": "v1", "at": "tuesday"}, "write it like"),
        ({"kind": "deploy", "after": "v1", "at": "2027-01-01T00:00:00Z"}, "lies in the future"),
        ({"kind": "deploy", "after": "v1", "who": "me"}, "There is no field 'who'"),
    ],
)
async def test_bad_input_gets_one_sentence(world: World, heard: Heard, body: object, sentence: str) -> None:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    async with world.client() as client:
        answer = await client.post("/hooks/changes", content=content)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert sentence in answer.json()["detail"]
    assert heard.kept == {}


async def test_the_hook_asks_for_the_api_token(tmp_path: Path, heard: Heard) -> None:
    world = World(tmp_path, tokens=Tokens(api="oak"), announcements=heard)
    async with world.client() as client:
        refused = await client.post("/hooks/changes", json=DEPLOY)
        taken = await client.post("/hooks/changes", json=DEPLOY, headers={"Authorization": "Bearer oak"})
        elsewhere = await client.get("/hooks/other", headers={"Authorization": "Bearer oak"})
    assert (refused.status_code, taken.status_code, elsewhere.status_code) == (401, 202, 404)
    assert elsewhere.json()["detail"] == "Changes are announced at /hooks/changes."
