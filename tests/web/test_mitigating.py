"""Mitigations over the API: looked at before, idempotent, guarded by revisions, approved by a second person."""

from pathlib import Path

import pytest

from tests.web.fakes import World

LIMIT = {"kind": "turn-limit", "value": 5}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_a_dry_run_shows_and_changes_nothing(world: World) -> None:
    key = await world.declared()
    async with world.client() as client:
        seen = await client.post(f"/api/v1/incidents/{key}/mitigations?dry_run=1", json=LIMIT)
        again = await client.post("/api/v1/mitigations/preview", json={**LIMIT, "incident": key})
    assert (seen.status_code, seen.json()["label"]) == (200, "Turn limit 5")
    assert [reach["hours"] for reach in seen.json()["reaches"]] == [1, 24]
    assert seen.json()["plan"] == ["Built-in: agent.max_turns of helpdesk-agent reads 5."]
    assert seen.json()["after"] == again.json()["after"] == "turn limit 5"
    assert world.records.kept.levers == {}


async def test_a_key_makes_one_mitigation_and_no_other(world: World) -> None:
    key = await world.declared()
    address = f"/api/v1/incidents/{key}/mitigations"
    async with world.client(**{"Idempotency-Key": "once"}) as client:
        first, second = await client.post(address, json=LIMIT), await client.post(address, json=LIMIT)
        other = await client.post(address, json={**LIMIT, "value": 6})
    assert first.json()["id"] == second.json()["id"]
    assert (other.status_code, other.json()["type"]) == (422, "urn:firstfive:idempotency-key-reused")


async def test_a_change_on_an_old_picture_is_refused(world: World) -> None:
    key = await world.declared()
    async with world.client(**{"Firstfive-Actor": "ana"}) as client:
        applied = await client.post(f"/api/v1/incidents/{key}/mitigations", json=LIMIT, headers={"If-Match": '"0"'})
        assert applied.status_code == 201
        lever, tag = f"/api/v1/mitigations/{applied.json()['id']}", applied.headers["etag"]
        assert (await client.get(lever)).headers["etag"] == tag
        headers = {"If-Match": tag}
        longer = await client.post(f"{lever}/extend", json={"minutes": 5}, headers=headers)
        stale = await client.post(f"{lever}/extend", json={"minutes": 5}, headers=headers)
        odd = await client.post(f"{lever}/extend", json={"minutes": 5}, headers={"If-Match": "abc"})
    assert (longer.status_code, stale.status_code, odd.status_code) == (200, 412, 422)


async def test_who_names_nobody_may_apply_and_extend_and_asks_for_nothing_riskier(world: World) -> None:
    key = await world.declared()
    async with world.client() as client:
        lever = (await client.post(f"/api/v1/incidents/{key}/mitigations", json=LIMIT)).json()["id"]
        longer = await client.post(f"/api/v1/mitigations/{lever}/extend", json={"minutes": 5})
        undone = await client.post(f"/api/v1/mitigations/{lever}/revert", json={"alone": "nobody is awake"})
        override = {"kind": "restart", "reason": "it hangs", "override": "the queue is empty"}
        started = await client.post(f"/api/v1/incidents/{key}/remediations", json=override)
    assert (longer.status_code, undone.status_code, started.status_code) == (200, 403, 403)
    assert "Firstfive-Actor" in undone.json()["detail"]


async def test_pins_conflict_until_one_supersedes(world: World) -> None:
    key = await world.declared()
    address = f"/api/v1/incidents/{key}/mitigations"
    async with world.client() as client:
        pin = (await client.post(address, json={"kind": "model-pin", "value": "gpt-x"})).json()["id"]
        other = await client.post(address, json={"kind": "model-pin", "value": "gpt-y"})
        assert (other.status_code, other.json()["conflicts_with"]) == (409, pin)
        named = await client.post(address, json={"kind": "model-pin", "value": "gpt-y", "supersedes": pin})
    assert named.status_code == 201


async def test_an_agent_is_contained_before_there_is_an_incident(world: World) -> None:
    async with world.client(**{"Firstfive-Actor": "ana"}) as client:
        applied = await client.post("/api/v1/mitigations", json={"kind": "halt", "agent": "helpdesk-agent"})
        unknown = await client.post("/api/v1/mitigations", json={"kind": "halt", "agent": "helpdesk-agnt"})
        listed = (await client.get("/api/v1/mitigations")).json()
    assert (applied.status_code, applied.json()["incident"]) == (201, "INC-1")
    assert (unknown.status_code, "Did you mean helpdesk-agent" in unknown.json()["detail"]) == (404, True)
    assert [one["kind"] for one in listed["mitigations"]] == ["halt"]
    assert listed["revisions"]["helpdesk-agent"] >= 1


async def test_what_waits_for_a_second_person_is_listed_and_answered(world: World) -> None:
    key = await world.declared()
    async with world.client(**{"Firstfive-Actor": "ana"}) as ana, world.client(**{"Firstfive-Actor": "ben"}) as ben:
        lever = (await ana.post(f"/api/v1/incidents/{key}/mitigations", json=LIMIT)).json()["id"]
        asked = await ana.post(f"/api/v1/mitigations/{lever}/adjust", json={"value": 9, "reason": "it recovers"})
        (question,) = (await ben.get("/api/v1/approvals")).json()["approvals"]
        assert (asked.status_code, question["id"]) == (202, asked.json()["approval"])
        approved = await ben.post(f"/api/v1/approvals/{question['id']}/approve", json={})
        assert approved.json()["value"] == 9
        late = await ben.post(f"/api/v1/approvals/{question['id']}/refuse", json={})
        assert late.status_code == 409
        alone = await ana.post(f"/api/v1/mitigations/{lever}/revert", json={"alone": "nobody is awake"})
        assert (alone.status_code, alone.json()["state"]) == (202, "reverted")


@pytest.mark.parametrize("value", [0, -1, 10**9, "many", None, 5.5, [], {}])
async def test_a_value_that_is_none_gets_a_sentence(world: World, value: object) -> None:
    key = await world.declared()
    async with world.client() as client:
        answer = await client.post(f"/api/v1/incidents/{key}/mitigations", json={"kind": "turn-limit", "value": value})
    assert answer.status_code == 422
    assert answer.json()["detail"] == "Give the turn limit as a whole number from 1 to 1000."


async def test_what_may_keep_it_from_working_is_said_with_it(world: World) -> None:
    key = await world.declared()
    address = f"/api/v1/incidents/{key}/mitigations"
    async with world.client() as client:
        applied = await client.post(address, json={"kind": "disable-tools", "value": ["serch"]})
        halted = await client.post(address, json={"kind": "halt"})
    assert "nobody has seen helpdesk-agent call serch" in applied.json()["warnings"][0]
    assert halted.json()["snapshot"]


async def test_an_agent_that_only_its_connected_instances_know_can_be_halted(world: World) -> None:
    halt = {"agent": "billing", "kind": "halt"}
    beat = {"agent": "billing", "environment": "production", "instance": "pod-1", "revision": 0, "applied": []}
    async with world.client() as client:
        unheard = await client.post("/api/v1/mitigations", json=halt)
        await client.post("/controls/v1/heartbeat", json=beat)
        done = await client.post("/api/v1/mitigations", json=halt)
    assert (unheard.status_code, done.status_code) == (404, 201), done.text
