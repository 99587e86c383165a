"""Containing an incident from its page, without Slack and without scripts."""

import re
from hashlib import sha256
from html import unescape
from pathlib import Path

import httpx
import pytest

from bot.incident.control_words import NONE_IN_FORCE
from bot.incident.facts.control import ExitPlanned, ExitWaiting, MitigationAdjusted
from bot.incident.fitness import UNCLASSIFIED
from bot.incident.mitigation import ExitPlan
from bot.incident.model import FIRSTFIVE, IncidentKey, Person
from tests.web.fakes import World, ailing

BEN = Person("U2", "ben")
LOOP = {"class": "LOOP", "cause": "our-prompt", "severity": "SEV2"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def stamp(page: str) -> str:
    found = re.search(r'name="shown" value="([^"]*)"', page)
    assert found is not None
    return unescape(found.group(1))


def one_id(page: str) -> str:
    found = re.search(r'name="id" value="([^"]*)"', page)
    assert found is not None
    return found.group(1)


async def live(client: httpx.AsyncClient, key: str) -> list[str]:
    found = (await client.get(f"/api/v1/incidents/{key}")).json()["mitigations"]
    return [one["label"] for one in found if one["state"] not in {"reverted", "expired", "refused"}]


async def test_a_lever_is_previewed_applied_extended_and_undone_by_two_people(world: World) -> None:
    ailing(world)
    key = await world.declared()
    levers = f"/incidents/{key}/levers"
    async with world.client() as client:
        assert levers in (await client.get(f"/incidents/{key}")).text
        listed = (await client.get(levers)).text
        assert f"{levers}/turn-limit?value=" in listed
        assert f"{levers}/model-pin" in listed
        shown = await client.get(f"{levers}/turn-limit", params={"value": "5"})
        assert "In force now: no control. Then: turn limit 5." in shown.text
        order = {"shown": stamp(shown.text), "value": "5", "minutes": "60", "click": "1"}
        nameless = await client.post(f"{levers}/turn-limit", data=order)
        assert (nameless.status_code, "Write your name" in nameless.text) == (422, True)
        changed = await client.post(f"{levers}/turn-limit", data={**order, "value": "3", "name": "ana"})
        assert "You changed it. Look again" in changed.text
        assert await live(client, key) == []
        for _ in range(2):  # the same click twice
            assert (await client.post(f"{levers}/turn-limit", data={**order, "name": "ana"})).status_code == 303
        assert await live(client, key) == ["Turn limit 5"]

        mid = one_id((await client.get(levers)).text)
        about = {"id": mid, "name": "ana"}
        more = await client.post(levers, data={**about, "do": "extend", "minutes": "60", "click": "2"})
        assert more.status_code == 303
        await client.post(levers, data={**about, "do": "undo", "text": "it is fixed", "click": "3"})
        assert await live(client, key) == ["Turn limit 5"]
        waiting = (await client.get(levers)).text
        assert "Approve: undo Turn limit 5 on" in waiting
        answer = {"id": one_id(waiting), "do": "approve", "click": "4"}
        own = await client.post(levers, data={**answer, "name": "ana"})
        assert (own.status_code, "somebody else has to approve it" in own.text) == (409, True)
        assert (await client.post(levers, data={**answer, "name": "ben"})).status_code == 303
        assert await live(client, key) == []
        late = await client.post(levers, data={**answer, "name": "cho"})
        assert (late.status_code, "granted already by ben" in unescape(late.text)) == (409, True)


async def test_what_is_advised_against_says_so_in_words_and_asks_why(world: World) -> None:
    key = await world.declared()
    page = f"/incidents/{key}/levers/halt"
    async with world.client() as client:
        await client.post(f"/api/v1/incidents/{key}/classification", json=LOOP)
        shown = await client.get(page)
        assert "<strong>Advised against:</strong>" in shown.text
        order = {"shown": stamp(shown.text), "name": "ana", "click": "1"}
        refused = await client.post(page, data=order)
        assert (refused.status_code, await live(client, key)) == (409, [])
        done = await client.post(page, data={**order, "override": "it writes tickets", "click": "2"})
        assert (done.status_code, await live(client, key)) == (303, ["Kill switch"])


async def test_names_scope_and_a_pin_in_the_way(world: World) -> None:
    ailing(world)
    key = await world.declared()
    levers = f"/incidents/{key}/levers"
    async with world.client() as client:
        empty = await client.get(f"{levers}/model-pin")
        assert 'name="shown" value=""' in empty.text
        shown = await client.get(f"{levers}/model-pin", params={"value": "one", "tenant": "acme"})
        order = {"shown": stamp(shown.text), "value": "one", "tenant": "acme", "name": "ana", "click": "1"}
        assert (await client.post(f"{levers}/model-pin", data=order)).status_code == 303
        assert "only for tenant acme" in (await client.get(levers)).text
        second = await client.get(f"{levers}/model-pin", params={"value": "two"})
        assert "Would be refused" in second.text
        conflict = {"shown": stamp(second.text), "value": "two", "name": "ben", "click": "2"}
        assert (await client.post(f"{levers}/model-pin", data=conflict)).status_code == 409
        assert (await client.get(f"{levers}/dance")).status_code == 422
        assert (await client.get(f"{levers}/turn-limit", params={"value": "-1"})).text.count("from 1 to 1000") == 1


async def test_the_agents_page_shows_every_kind_in_force(world: World) -> None:
    key = await world.declared()
    async with world.client() as client:
        for kind, value in (("read-only", None), ("handoff", "new"), ("disable-tools", ["mail"])):
            await client.post(f"/api/v1/incidents/{key}/mitigations", json={"kind": kind, "value": value})
        agent = (await client.get(f"/api/v1/incidents/{key}")).json()["agent"]
        page = (await client.get(f"/agents/{agent}")).text
    for said in ("Read-only mode", "hand", "mail", f"/incidents/{key}/levers"):
        assert said.lower() in page.lower()


async def test_the_way_out_names_only_the_steps_ahead(world: World) -> None:
    key = IncidentKey(await world.declared())
    async with world.client() as client:
        applied = await client.post(f"/api/v1/incidents/{key}/mitigations", json={"kind": "turn-limit", "value": 5})
        mid = applied.json()["id"]
        steps = MitigationAdjusted(mid, 5, 8, "step 1 of the exit plan", "turn limit 5", "turn limit 8", BEN)
        for by, fact in (
            (BEN, ExitPlanned(mid, ExitPlan((8, 15)), BEN)),
            (FIRSTFIVE, ExitWaiting(mid, "the pass rate is low")),
            (FIRSTFIVE, steps),
        ):
            async with world.records.begin() as work:
                await work.timelines.append(key, fact, by, world.clock.now())
        page = (await client.get(f"/incidents/{key}/levers")).text
    assert "Way out: Turn limit 8 → 15 → off, 20 min apart" in page
    assert "Waits:" not in page


async def test_a_snapshot_has_its_page_and_the_file_its_hash_is_of(world: World) -> None:
    ailing(world)
    key = await world.declared()
    async with world.client() as client:
        applied = (await client.post(f"/api/v1/incidents/{key}/mitigations", json={"kind": "halt"})).json()
        name, traces = applied["snapshot"], len(world.traces.kept)
        address = f"/incidents/{key}/snapshots/{name}"
        levers, postmortem = (
            (await client.get(f"/incidents/{key}/levers")).text,
            await client.get(f"/incidents/{key}/postmortem"),
        )
        assert address in levers
        assert address in postmortem.text
        page = (await client.get(address)).text
        assert 'Kept before <span dir="auto">Kill switch</span>' in page
        assert page.count('href="/traces/') == min(traces, 50)
        file = await client.get(f"{address}.json")
        assert "attachment" in file.headers["content-disposition"]
        assert sha256(file.content).hexdigest() in page
        assert (await client.get(f"/api/v1{address}")).content == file.content
        first = next(
            iter(re.findall(rf"/incidents/{key}/snapshots/[^\"]+", (await client.get(f"/incidents/{key}")).text))
        )
        assert "Evidence of the declaration" in (await client.get(first)).text
        other = await world.declared("Another")
        for wrong in (f"/incidents/{other}/snapshots/{name}", f"{address}x", f"{address}x.json"):
            missing = await client.get(wrong)
            assert (missing.status_code, "has no snapshot" in missing.text) == (404, True)


async def test_what_another_incident_put_in_force_is_not_called_none(world: World) -> None:
    """Two incidents of one agent: whoever opens the second must know that the agent is limited already."""
    ailing(world)
    first, second = await world.declared(), await world.declared("another report")
    async with world.client(**{"Firstfive-Actor": "ana"}) as client:
        await client.post(f"/api/v1/incidents/{first}/mitigations", json={"kind": "turn-limit", "limit": 5})
        page = (await client.get(f"/incidents/{second}/levers")).text
        story = (await client.get(f"/incidents/{second}")).text
    assert NONE_IN_FORCE in page
    assert NONE_IN_FORCE in story
    assert "Turn limit 5" in page
    assert f'by <a href="/incidents/{first}/levers">{first}</a>' in page
    assert page.lower().count(UNCLASSIFIED) == 1  # once for all of them
    assert re.search(r"locked</strong>: <span[^>]*>until class and suspected cause are set", page)
