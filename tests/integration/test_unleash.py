"""The driver against a real Unleash: every promise, the path that agents read, and Unleash's own record of events."""

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from bot.controls import unleash
from bot.controls.conformance import PROMISES, Promise, Subject
from bot.incident.errors import Refused
from bot.incident.kinds import MitigationKind
from tests.controls.at_work import after, given, pulled
from tests.integration import servers
from tests.integration.unleash_server import ADMIN, READERS

HALT, TURNS = MitigationKind.HALT, MitigationKind.TURN_LIMIT
WIRING: Mapping[str, Mapping[str, str]] = {
    "halt": {"feature": "helpdesk.halt", "environment.staging": "development"},
    "turn-limit": {"environment.staging": "development"},
    "read-only": {"feature": "no spaces please!"},
}
CATALOGUE = """
agents:
  - name: helpdesk-agent
    controls:
      halt: {driver: unleash, feature: story.halt}
"""
LIVE = ("applying", "applied", "delivered", "observed", "ineffective", "unproven", "reverting")
SETTINGS = {unleash.TOKEN: ADMIN, unleash.READ_TOKENS: ",".join(READERS.values())}


def driver_at(url: str) -> unleash.Unleash:
    return unleash.open_driver(given(WIRING, {unleash.URL: url, **SETTINGS}, "unleash"))


@pytest.fixture
async def server(unleash_url: str) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=unleash_url, headers={"authorization": ADMIN}, trust_env=False) as client:
        yield client


async def events(server: httpx.AsyncClient, feature: str) -> Sequence[Mapping[str, Any]]:
    """Newest first."""
    found = await server.get("/api/admin/search/events", params={"feature": f"IS:{feature}", "limit": "50"})
    rows: Sequence[Mapping[str, Any]] = found.json()["events"]
    return rows


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("kind", [HALT, TURNS])
async def test_it_keeps_every_promise(promise: Promise, kind: MitigationKind, unleash_url: str) -> None:
    mitigation = pulled(kind, True if kind is HALT else 5)
    await promise(Subject(driver_at, unleash_url, mitigation, (ADMIN, *READERS.values())))


async def test_agents_read_the_tighter_limit_and_after_it_the_looser(unleash_url: str) -> None:
    loose, tight = pulled(TURNS, 20, id_="loose"), pulled(TURNS, 5, id_="tight")
    driver = driver_at(unleash_url)

    async def becomes(wanted: str) -> bool:
        for _ in range(20):  # Unleash answers agents from a copy that is a second old at most
            if await first_value() == wanted:
                return True
            await asyncio.sleep(0.1)
        return False

    async def first_value() -> str:
        headers = {"authorization": READERS["production"]}
        async with httpx.AsyncClient(base_url=unleash_url, headers=headers, trust_env=False) as agent:
            features = (await agent.get("/api/client/features")).json()["features"]
        (found,) = [one for one in features if one["name"] == "helpdesk-agent.max_turns"]
        return str(found["strategies"][0]["variants"][0]["payload"]["value"])

    await driver.apply(driver.plan(loose, after(loose)), "a")
    await driver.apply(driver.plan(tight, after(loose, tight)), "b")
    assert await becomes("5")
    await driver.revert(driver.plan(tight, after(loose)), "c")
    assert await becomes("20")
    await driver.revert(driver.plan(loose, after(of=loose)), "d")
    await driver.close()


async def test_unleash_keeps_who_and_why_and_a_second_time_makes_no_event(
    unleash_url: str, server: httpx.AsyncClient
) -> None:
    halt, driver = pulled(HALT, id_="told"), driver_at(unleash_url)
    plan = driver.plan(halt, after(halt))
    receipt = await driver.apply(plan, "a")
    known = await events(server, "helpdesk.halt")
    assert receipt.requests == (f"event {known[0]['id']}",)
    assert [one["type"] for one in known[:2]] == ["feature-environment-enabled", "feature-strategy-add"]
    assert known[1]["data"]["title"] == "INC-7: Kill switch applied by Ana Reyes (firstfive told). loops since 11:52"
    await driver.apply(plan, "a")
    assert len(await events(server, "helpdesk.halt")) == len(known)
    await driver.revert(driver.plan(halt, after(of=halt)), "b")
    await driver.close()


async def test_every_environment_of_the_agent_is_bound(unleash_url: str) -> None:
    halt, driver = pulled(HALT, environment="", id_="everywhere"), driver_at(unleash_url)
    await driver.apply(driver.plan(halt, after(halt)), "a")
    found = await driver.read_back(halt, after(halt))
    assert found.detail == "helpdesk.halt in production is on, helpdesk.halt in development is on"
    receipt = await driver.revert(driver.plan(halt, after(of=halt)), "b")
    assert receipt.detail == "helpdesk.halt in production is off; helpdesk.halt in development is off"
    await driver.close()


async def test_what_unleash_declines_is_said_in_its_words(unleash_url: str) -> None:
    odd, driver = pulled(MitigationKind.READ_ONLY), driver_at(unleash_url)
    with pytest.raises(Refused, match="must be URL friendly"):
        await driver.apply(driver.plan(odd, after(odd)), "a")
    await driver.close()


async def test_a_halt_over_the_api_switches_the_real_feature_and_two_people_lift_it(
    unleash_url: str, tmp_path: Path
) -> None:
    (tmp_path / "agents.yaml").write_text(CATALOGUE)
    port = servers.free_port()
    settings = {
        "FIRSTFIVE_HOME": str(tmp_path),
        unleash.URL: unleash_url,
        unleash.TOKEN: ADMIN,
        unleash.READ_TOKENS: READERS["production"],
    }
    command = [sys.executable, "-m", "bot", "serve", "--port", str(port)]
    ours = f"http://127.0.0.1:{port}"
    with servers.running(servers.Launch(command, settings, ours, "/readyz"), tmp_path):
        named = {"Firstfive-Actor": "ana"}
        async with httpx.AsyncClient(base_url=f"{ours}/api/v1", headers=named, trust_env=False, timeout=20) as api:
            order = {"agent": "helpdesk-agent", "kind": "halt", "reason": "it mails strangers"}
            made = (await api.post("/mitigations", json=order)).json()
            found = await settled(api, made["id"], "applying")
            assert (found["driver"], found["uncertain"]) == ("unleash", "")
            assert found["requests"][0].startswith("event ")
            assert await on(unleash_url)
            await api.post(f"/mitigations/{made['id']}/revert", json={"reason": "mended"})
            await api.post(f"/mitigations/{made['id']}/approve", json={}, headers={"Firstfive-Actor": "ben"})
            assert (await settled(api, made["id"], *LIVE))["state"] == "reverted"
    assert not await on(unleash_url)


async def settled(api: httpx.AsyncClient, mitigation: str, *not_these: str) -> dict[str, Any]:
    """The mitigation once it is in none of these states."""
    async with asyncio.timeout(20):
        while True:
            found: dict[str, Any] = (await api.get(f"/mitigations/{mitigation}")).json()
            if found["state"] not in not_these:
                return found
            await asyncio.sleep(0.1)


async def on(url: str) -> bool:
    """What an agent in production reads."""
    headers = {"authorization": READERS["production"]}
    async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as agent:
        features = (await agent.get("/api/client/features")).json()["features"]
    return any(one["name"] == "story.halt" and one["enabled"] for one in features)
