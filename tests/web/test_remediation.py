"""Repairing over the API and on its page."""

from pathlib import Path

import pytest

from tests.web.fakes import World, ailing

LOOP = {"class": "LOOP", "cause": "our-prompt", "severity": "SEV1"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def test_the_api_locks_explains_overrides_and_ends(world: World) -> None:
    ailing(world)
    key = await world.declared()
    path = f"/api/v1/incidents/{key}"
    async with world.client(**{"Firstfive-Actor": "ana"}) as client:
        early = await client.post(f"{path}/remediations", json={"kind": "restart", "reason": "it hangs"})
        await client.post(f"{path}/classification", json=LOOP)
        offers = (await client.get(f"{path}/remediations")).json()["offers"]
        wish = {"kind": "restart", "reason": "it hangs", "override": "the queue is empty"}
        made = await client.post(f"{path}/remediations", json=wish)
        (question,) = made.json()["waiting"]
        own = await client.post(f"/api/v1/approvals/{question['id']}/approve", json={})
        approved = await client.post(
            f"/api/v1/approvals/{question['id']}/approve", json={}, headers={"Firstfive-Actor": "ben"}
        )
        (started,) = approved.json()["started"]
        ended = await client.post(
            f"{path}/remediations/{started['id']}/outcome", json={"outcome": "worked", "detail": "calm since"}
        )
        asked = await client.post(f"{path}/evaluations", json={"version": "p-118"})
        half = await client.post(f"{path}/evaluations", json={"version": "p-118", "passed": 3})
        told = await client.post(f"{path}/evaluations", json={"version": "p-118", "passed": 38, "of": 40})
    assert (early.status_code, early.json()["title"]) == (409, "Locked")
    restart = next(one for one in offers if one["kind"] == "restart")
    assert (restart["allowed"], restart["because"]) == (
        False,
        ["restart makes LOOP worse: the queue starts the same loops again; clear it first"],
    )
    assert (made.status_code, made.json()["started"], own.status_code) == (202, [], 403)
    assert (question["action"], question["mitigation"]) == ("remediate", "")
    assert (started["override"], started["by"]["name"]) == ("the queue is empty", "ana")
    assert (started["approved_by"]["name"], approved.json()["waiting"]) == ("ben", [])
    assert ended.json()["started"][0]["outcome"] == "worked"
    assert asked.json()["evaluations_asked"] == ["p-118"]
    assert half.status_code == 422
    back = next(one for one in told.json()["offers"] if one["target"] == "p-118")
    assert (back["evaluation"]["passed"], back["evaluation"]["source"]) == (38, "ana")


async def test_the_page_says_why_not_and_records_what_is_done(world: World) -> None:
    ailing(world)
    key = await world.declared()
    page = f"/incidents/{key}/remediation"
    async with world.client() as client:
        await client.post(f"/api/v1/incidents/{key}/classification", json=LOOP)
        shown = (await client.get(page)).text
        assert "What may be done to repair it" in (await client.get(f"/incidents/{key}")).text
        start = {"do": "start", "kind": "restart", "text": "it hangs", "click": "1", "name": "ana"}
        locked = await client.post(page, data=start)
        done = await client.post(page, data={**start, "override": "the queue is empty", "click": "2"})
        waits = (await client.get(page)).text
        beside = (await client.get(f"/incidents/{key}/levers")).text
        alone = {**start, "override": "the queue is empty", "alone": "nobody answers", "click": "4"}
        assert (await client.post(page, data=alone)).status_code == 303
        nameless = await client.post(page, data={"do": "ask", "target": "p-118"})
        odd = await client.post(page, data={"do": "dance", "name": "ana"})
        fix = {"do": "start", "kind": "prompt-fix", "text": "an end condition", "click": "3", "name": "ana"}
        assert (await client.post(page, data=fix)).status_code == 303
        text = (await client.get(page)).text
        story = (await client.get(f"/incidents/{key}")).text
    assert "restart makes LOOP worse" in shown
    assert (locked.status_code, done.status_code, nameless.status_code, odd.status_code) == (409, 303, 422, 422)
    assert "Restart is locked" in locked.text
    assert "Waits for a second person" in waits
    assert "not started" in waits
    assert "asks to: " in beside
    assert "Approve: start Restart in spite of its lock" in beside
    assert "Waits for a second person" not in text
    assert 'Override, alone (<span dir="auto">nobody answers</span>): <span dir="auto">the queue is empty' in text
    assert "under way" in story
