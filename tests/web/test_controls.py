"""What our own client speaks: snapshot, stream and heartbeat."""

import json
from datetime import timedelta

import httpx
import pytest

from bot.incident.mitigation import Scope
from bot.incident.proof import Delivery
from tests.controls.test_builtin import lever
from tests.web.memory import NOON
from tests.web.serving import serving
from tests.web.test_ofrep import Plane, lines_of

SNAPSHOT, STREAM, HEARTBEAT = (f"/controls/v1/{name}" for name in ("snapshot", "stream", "heartbeat"))


async def test_the_snapshot_is_the_control_object_with_every_rule_that_may_bind() -> None:
    plane = Plane()
    await plane.apply(lever("m1", limit=5, scope=Scope(tenant="acme")))
    await plane.apply(lever("m2", limit=3, scope=Scope(environment="staging")))
    async with plane.client() as client:
        answer = await client.get(SNAPSHOT, params={"agent": "helpdesk", "environment": "production"})
    body = answer.json()
    assert (body["revision"], body["max_turns"], [rule["id"] for rule in body["rules"]]) == (2, 5, ["m1"])
    assert body["rules"][0] == {
        "id": "m1",
        "incident": "INC-7",
        "kind": "turn-limit",
        "value": 5,
        "scope": {"environment": "", "tenant": "acme", "channel": "", "version": ""},
        "expires_at": "2026-11-02T13:00:00+00:00",
    }


async def test_the_stream_begins_with_what_holds_and_carries_every_change() -> None:
    plane = Plane()
    async with (
        serving(plane.app) as base,
        httpx.AsyncClient(base_url=base, timeout=5) as client,
        client.stream("GET", STREAM, params={"agent": "helpdesk-agent"}) as stream,
    ):
        lines = lines_of(stream)
        assert [await anext(lines) for _ in range(4)] == ["retry: 1000", ": listening", "id: 0", "event: controls"]
        assert json.loads((await anext(lines)).removeprefix("data: "))["max_turns"] is None
        await plane.apply(lever(limit=4))
        while (line := await anext(lines)).startswith(":"):
            pass
        assert (line, await anext(lines)) == ("id: 1", "event: controls")
        assert json.loads((await anext(lines)).removeprefix("data: "))["max_turns"] == 4


async def test_an_instance_counts_by_what_it_says_and_hears_how_many_there_are() -> None:
    plane = Plane()
    mitigation = await plane.apply(lever(limit=4))
    plane.clock.sleep(2)
    beat = {"agent": "helpdesk-agent", "instance": "i1", "revision": 1, "applied": ["m1"], "age_seconds": 1.5}
    async with plane.client() as client:
        await client.get(
            SNAPSHOT, params={"agent": "helpdesk-agent", "instance": "i3"}
        )  # being served counts for nothing
        assert (await client.post(HEARTBEAT, json=beat)).json() == {"instances": 1}
        late = {**beat, "instance": "i2", "applied": []}
        assert (await client.post(HEARTBEAT, json=late)).json() == {"instances": 2}
    assert await plane.control.delivery(mitigation) == Delivery(2, 1, 0.5, ("i2",))
    assert plane.clock.now() == NOON + timedelta(seconds=2)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"{", 400, "The body is not JSON."),
        (b"[]", 400, "Send an object."),
        (b"{}", 400, "Name the agent in agent."),
        (b'{"agent": "a"}', 400, "Name the instance in instance."),
        (b'{"agent": "a", "instance": "i", "applied": 7, "age_seconds": "old"}', 200, None),
        (b'{"agent": "a", "instance": "i", "age_seconds": 1e308}', 200, None),
        (b" " * 1_100_000, 413, "The body is larger than 1 MiB. Send it in smaller parts."),
    ],
)
async def test_an_odd_heartbeat_is_answered_with_what_is_wrong(body: bytes, status: int, said: str | None) -> None:
    async with Plane().client() as client:
        answer = await client.post(HEARTBEAT, content=body)
    assert (answer.status_code, answer.json().get("errorDetails")) == (status, said)


async def test_nobody_reads_or_reports_without_the_token() -> None:
    plane = Plane("wish")
    async with plane.client() as client:
        for answer in (
            await client.get(SNAPSHOT, params={"agent": "a"}),
            await client.get(STREAM, params={"agent": "a"}),
            await client.post(HEARTBEAT, json={"agent": "a", "instance": "i"}),
        ):
            assert (answer.status_code, "Bearer" in answer.headers["www-authenticate"]) == (401, True)
        good = {"Authorization": "Bearer wish"}
        assert (await client.get(SNAPSHOT, params={"agent": "a"}, headers=good)).status_code == 200
        assert (await client.get("/controls/v1/elsewhere")).status_code == 404
        assert (await client.get(SNAPSHOT, headers=good)).json() == {"errorDetails": "Name the agent in agent."}
