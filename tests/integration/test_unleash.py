"""The driver against a real Unleash: every promise, the path that agents read, and Unleash's own record of events."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import httpx
import pytest

from bot.controls import unleash
from bot.controls.conformance import PROMISES, Promise, Subject
from bot.incident.errors import Refused
from bot.incident.kinds import MitigationKind
from tests.controls.at_work import after, given, pulled
from tests.integration.unleash_server import ADMIN, READERS

HALT, TURNS = MitigationKind.HALT, MitigationKind.TURN_LIMIT
WIRING: Mapping[str, Mapping[str, str]] = {
    "halt": {"feature": "helpdesk.halt", "environment.staging": "development"},
    "turn-limit": {"environment.staging": "development"},
    "read-only": {"feature": "no spaces please!"},
}
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
