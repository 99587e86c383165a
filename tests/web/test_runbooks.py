"""The runbook on pages and through the API: a checklist with buttons, and nobody ticks without a name."""

import re
from pathlib import Path

import pytest

from bot.incident.taxonomy import IncidentClass
from bot.web.pages.runbooks import passages
from tests.taxonomies import CLASSES
from tests.web.fakes import HOSTILE, World

HERE = {"Origin": "http://test"}
STEP = "read-looping-trace"


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


async def looping(world: World) -> str:
    key = await world.declared()
    async with world.client(**{"Firstfive-Actor": "ana"}) as client:
        said = {"class": "LOOP", "cause": "our-prompt", "severity": "SEV2"}
        assert (await client.post(f"/api/v1/incidents/{key}/classification", json=said)).status_code == 200
    return key


async def test_the_checklist_is_read_and_ticked_through_the_api(world: World) -> None:
    key = await looping(world)
    address = f"/api/v1/incidents/{key}/runbook"
    async with world.client(**{"Firstfive-Actor": "ben"}) as ben:
        before = (await ben.get(address)).json()
        assert (before["class"], before["version"], before["own"], before["done"]) == ("LOOP", "2", False, 0)
        ticked = await ben.post(f"{address}/steps/{STEP}", json={"done": True})
        (step,) = [step for step in ticked.json()["steps"] if step["id"] == STEP]
        assert (step["done"], step["by"]["name"], step["action"]) == (True, "ben", "evidence")
        undone = (await ben.post(f"{address}/steps/{STEP}", json={"done": False})).json()
        assert undone["done"] == 0
        missing = await ben.post(f"{address}/steps/nothing", json={"done": True})
        wrong = await ben.post(f"{address}/steps/{STEP}", json={"done": "perhaps"})
        assert (missing.status_code, wrong.status_code) == (404, 422)
        assert "no step 'nothing'" in missing.json()["detail"]
        events = (await ben.get(f"/api/v1/incidents/{key}/timeline")).json()["events"]
    assert [event["kind"] for event in events][-2:] == ["step_ticked", "step_ticked"]
    assert before["recovery"]["watches"][0] == {
        "signal": "steps_p95",
        "trouble": "up",
        "at_least": 100,
        "minutes": 30,
        "at_most": None,
    }


async def test_the_page_ticks_unticks_and_says_who(world: World) -> None:
    key = await looping(world)
    async with world.client() as client:
        page = (await client.get(f"/incidents/{key}")).text
        assert 'id="step-read-looping-trace"' in page
        assert "0 of 17 steps ticked" in page
        assert "3 for another cause" in page
        form = {"name": "Ana", "tick": STEP}
        done = await client.post(f"/incidents/{key}/runbook", data=form, headers=HERE)
        assert (done.status_code, done.headers["location"]) == (303, f"/incidents/{key}#runbook")
        part = await client.get(f"/incidents/{key}/checklist")
        assert "1 of 17 steps ticked" in part.text
        assert re.search(r"<strong>Done:</strong>.*Ana, ", part.text)
        same = await client.get(f"/incidents/{key}/checklist", headers={"If-None-Match": part.headers["etag"]})
        assert same.status_code == 304
        back = await client.post(f"/incidents/{key}/runbook", data={"name": "Ben", "untick": STEP}, headers=HERE)
        assert back.status_code == 303
        assert "unticked by Ben" in (await client.get(f"/incidents/{key}/checklist")).text


async def test_the_button_beside_a_step_pulls_its_lever_once_and_ticks_it(world: World) -> None:
    key = await looping(world)
    async with world.client() as client:
        page = (await client.get(f"/incidents/{key}")).text
        assert "Turn limit · helpdesk-agent · 60 min" in page
        form = {"name": "Ana", "pull": "limit-turns", "click": "c1"}
        for _ in range(2):
            assert (await client.post(f"/incidents/{key}/runbook", data=form, headers=HERE)).status_code == 303
        levers = (await client.get(f"/api/v1/incidents/{key}")).json()["mitigations"]
        checklist = (await client.get(f"/api/v1/incidents/{key}/runbook")).json()
        hand = await client.post(f"/incidents/{key}/runbook", data={"name": "Ana", "pull": STEP}, headers=HERE)
    assert [(lever["kind"], lever["reason"]) for lever in levers] == [
        ("turn-limit", "runbook LOOP, step limit-turns"),
    ]
    assert levers[0]["limit"] is not None
    assert [step["id"] for step in checklist["steps"] if step["done"]] == ["limit-turns"]
    assert (hand.status_code, "no lever" in hand.text) == (422, True)


async def test_nobody_ticks_without_a_name_from_elsewhere_or_after_the_end(world: World) -> None:
    key = await looping(world)
    address = f"/incidents/{key}/runbook"
    async with world.client() as client:
        nameless = await client.post(address, data={"tick": STEP, "name": " "}, headers=HERE)
        assert (nameless.status_code, "Write your name" in nameless.text) == (422, True)
        none = await client.post(address, data={"name": "Ana"}, headers=HERE)
        assert (none.status_code, "Press the button" in none.text) == (422, True)
        elsewhere = await client.post(
            address, data={"tick": STEP, "name": "Eve"}, headers={"Origin": "http://evil.example"}
        )
        assert elsewhere.status_code == 403
        await client.post(f"/api/v1/incidents/{key}/resolve", json={"summary": "Over."})
        late = await client.post(address, data={"tick": STEP, "name": "Ana"}, headers=HERE)
        assert (late.status_code, "takes no step of its runbook" in late.text) == (409, True)
        assert '<button name="tick"' not in (await client.get(f"/incidents/{key}/checklist")).text


@pytest.mark.parametrize("incident_class", CLASSES)
async def test_every_class_has_a_page_of_its_runbook(world: World, incident_class: IncidentClass) -> None:
    async with world.client() as client:
        page = await client.get(f"/runbooks/{incident_class.value.lower()}")
    assert page.status_code == 200
    for title in ("Do not", "The first five minutes", "Questions", "Steps", "It is over when"):
        assert f"<h2>{title}</h2>" in page.text
    assert "<h3>What it looks like</h3>" in page.text


async def test_a_class_nobody_knows_has_none(world: World) -> None:
    async with world.client() as client:
        for name in ("nothing", HOSTILE):
            page = await client.get(f"/runbooks/{name}")
            assert page.status_code == 404
            assert HOSTILE not in page.text


def test_the_text_of_a_runbook_becomes_headings_lists_and_paragraphs() -> None:
    assert passages("## Look\n\nOne\ntwo\n\n- a\n  b\n- c\n") == [
        ("heading", ["Look"]),
        ("paragraph", ["One two"]),
        ("list", ["a b", "c"]),
    ]
