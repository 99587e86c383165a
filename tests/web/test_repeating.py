"""Idempotency keys over the API, for every verb that writes: one key, one request, one answer."""

import asyncio
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bot.web.api.repeating import WORKED_ON, Repeating
from tests.web.fakes import World
from tests.web.memory import MemoryRecords, StillClock

LIMIT = {"kind": "turn-limit", "value": 5}
ANA, BEN = {"Firstfive-Actor": "ana"}, {"Firstfive-Actor": "ben"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def keyed(name: str) -> dict[str, str]:
    return {**ANA, "Idempotency-Key": name}


async def test_every_key_of_a_mitigation_answers_as_it_did_first(world: World) -> None:
    key = await world.declared()
    async with world.client() as client:
        made = await client.post(f"/api/v1/incidents/{key}/mitigations", json=LIMIT, headers=keyed("a"))
        lever = f"/api/v1/mitigations/{made.json()['id']}"
        first = await client.post(f"{lever}/extend", json={"minutes": 10}, headers=keyed("b"))
        await client.post(f"{lever}/extend", json={"minutes": 20}, headers=keyed("c"))
        again = await client.post(f"{lever}/extend", json={"minutes": 10}, headers=keyed("b"))
        other = await client.post(f"{lever}/extend", json={"minutes": 11}, headers=keyed("b"))
        elsewhere = await client.post(f"{lever}/revert", json={}, headers=keyed("b"))
        by_ben = await client.post(f"{lever}/extend", json={"minutes": 10}, headers={**keyed("b"), **BEN})
    assert (again.status_code, again.json(), again.headers["etag"]) == (200, first.json(), first.headers["etag"])
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert {one.status_code for one in (other, elsewhere, by_ben)} == {422}
    assert other.json()["type"] == "urn:firstfive:idempotency-key-reused"


async def test_resolve_revert_and_apply_sent_again_answer_as_they_did_first(world: World) -> None:
    key = await world.declared()
    at = f"/api/v1/incidents/{key}"
    async with world.client() as client:
        made = await client.post(f"{at}/mitigations", json=LIMIT, headers=keyed("a"))
        undo = f"/api/v1/mitigations/{made.json()['id']}/revert"
        asked = await client.post(undo, json={}, headers=keyed("u"))
        approval = asked.json()["approval"]
        yes = f"/api/v1/approvals/{approval}/approve"
        granted = await client.post(yes, json={}, headers={**BEN, "Idempotency-Key": "y"})
        resolved = await client.post(f"{at}/resolve", json={"summary": "over"}, headers=keyed("r"))
        for address, body, name, first in (
            (f"{at}/mitigations", LIMIT, "a", made),
            (undo, {}, "u", asked),
            (f"{at}/resolve", {"summary": "over"}, "r", resolved),
        ):
            again = await client.post(address, json=body, headers=keyed(name))
            assert (again.status_code, again.json()) == (first.status_code, first.json())
        fresh = await client.post(f"{at}/resolve", json={"summary": "over"}, headers=keyed("r2"))
    assert (made.status_code, asked.status_code, granted.status_code, resolved.status_code) == (201, 202, 200, 200)
    assert fresh.status_code == 409


async def test_what_never_began_leaves_the_key_free_and_a_refusal_stands(world: World) -> None:
    key = await world.declared()
    at = f"/api/v1/incidents/{key}/mitigations"
    async with world.client() as client:
        assert (await client.post(at, json={"kind": "turn-limit", "value": 0}, headers=keyed("a"))).status_code == 422
        assert (await client.post(at, json=LIMIT, headers=keyed("a"))).status_code == 201
        review = f"/api/v1/incidents/{key}/postmortem/review"
        refused = await client.post(review, json={}, headers=keyed("v"))
        await client.post(f"/api/v1/incidents/{key}/resolve", json={"summary": "over"}, headers=keyed("r"))
        again = await client.post(review, json={}, headers=keyed("v"))
        looked = await client.post(f"{at}?dry_run=1", json=LIMIT, headers=keyed("d"))
        long = await client.post(at, json=LIMIT, headers=keyed("x" * 201))
    assert (refused.status_code, again.json()) == (409, refused.json())
    assert (looked.status_code, long.status_code, long.json()["field"]) == (200, 422, "Idempotency-Key")


async def test_a_quoted_key_is_the_same_key_and_secret_links_are_not_kept(world: World) -> None:
    key = await world.declared()
    async with world.client() as client:
        note = f"/api/v1/incidents/{key}/notes"
        await client.post(note, json={"text": "seen"}, headers=keyed("n"))
        quoted = await client.post(note, json={"text": "seen"}, headers=keyed('"n"'))
        made = await client.post(f"/api/v1/incidents/{key}/links", json={}, headers=keyed("l"))
    assert quoted.headers["idempotent-replayed"] == "true"
    assert made.status_code == 201
    assert world.records.kept.remembered["answer:l"][1].answer is None


class Slow:
    """An application that answers when told to, and counts."""

    def __init__(self) -> None:
        self.begun, self.go, self.calls = asyncio.Event(), asyncio.Event(), 0

    async def __call__(self, scope: object, receive: object, send: object) -> None:
        del scope, receive
        self.calls += 1
        self.begun.set()
        await self.go.wait()
        await send({"type": "http.response.start", "status": 200, "headers": []})  # type: ignore[operator]
        await send({"type": "http.response.body", "body": b"done"})  # type: ignore[operator]


async def test_a_key_that_is_worked_on_is_busy_until_its_process_must_have_died() -> None:
    slow, clock = Slow(), StillClock()
    app = Repeating(slow, MemoryRecords(), clock)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test", headers=keyed("k")) as client:
        first = asyncio.create_task(client.post("/v1/x"))
        await slow.begun.wait()
        busy = await client.post("/v1/x")
        clock.moment += WORKED_ON + timedelta(seconds=1)
        second = asyncio.create_task(client.post("/v1/x"))
        slow.go.set()
        answered = [(await first).text, (await second).text, (await client.post("/v1/x")).text]
    assert (busy.status_code, busy.headers["retry-after"]) == (409, "1")
    assert (answered, slow.calls) == (["done"] * 3, 2)
