"""Agents are called what telemetry calls them: every name has its page and its place in the API."""

from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from bot.incident.links import agent_page
from bot.web.tokens import Tokens
from tests.web.fakes import World, ailing
from tests.web.memory import NOON
from tests.web.serving import serving

AT = NOON.strftime("%Y-%m-%dT%H:%M:%SZ")
NAMES = (
    "org/helpdesk",
    "openai/gpt-agent",
    "/",
    "a//b/",
    "a/../b",
    "100%",
    "%2F",
    "who?me#1",
    "two words & more",
    "Größe/助手",
    "bot/figures",
    "bot/evidence",
    "semi;colon+plus",
    "back\\slash",
)
BY_QUERY = ("..", ".", "two\nlines\n")  # HTTP clients and routes make something else of them in a path


@pytest.fixture
def world(tmp_path: Path) -> World:
    return ailing(World(tmp_path))


def called(world: World, name: str) -> World:
    """The same world, where the agent's telemetry calls it by another name."""
    world.traces.kept = tuple(replace(trace, agent=name) for trace in world.traces.kept)
    return world


@pytest.mark.parametrize("name", NAMES)
async def test_whatever_an_agent_is_called_the_api_answers_for_it(world: World, name: str) -> None:
    called(world, name)
    async with serving(world.app) as base, httpx.AsyncClient() as client:
        for part, field in (("evidence", "agent"), ("classification", "class")):
            answer = await client.get(f"{base}/api/v1/agents/{quote(name, safe='')}/{part}", params={"at": AT})
            assert answer.status_code == 200
            assert answer.json()[field] == {"agent": name, "class": "LOOP"}[field]
        assert name in [agent["name"] for agent in (await client.get(f"{base}/api/v1/agents")).json()]


@pytest.mark.parametrize("name", [*NAMES, *BY_QUERY])
async def test_whatever_an_agent_is_called_links_lead_to_its_page_and_its_figures(world: World, name: str) -> None:
    called(world, name)
    async with serving(world.app) as base, httpx.AsyncClient(base_url=base) as client:
        glance = unescape((await client.get("/glance")).text)
        page = await client.get(agent_page(name))
        figures = await client.get(agent_page(name, part="/figures"))
        then = await client.get(agent_page(name, at=AT, environment="all"))
        trace = unescape((await client.get(f"/traces/{world.traces.kept[-1].id}")).text)
    assert f'href="{agent_page(name)}"' in glance
    assert f'href="{agent_page(name)}"' in trace
    assert f'data-fragment="{agent_page(name, part="/figures")}"' in unescape(page.text)
    assert f"<h1>{name} <span" in unescape(page.text)
    assert "<strong>LOOP</strong>" in figures.text
    assert "<html" not in figures.text
    assert "What telemetry said then" in then.text


@pytest.mark.parametrize("name", [*NAMES, *BY_QUERY])
def test_a_browser_that_follows_a_link_asks_for_that_name_and_no_other(name: str) -> None:
    there = httpx.URL("http://test/agents/other").join(agent_page(name, "http://test"))
    assert str(there) == agent_page(name, "http://test")


async def test_a_slash_that_a_proxy_has_decoded_leads_to_the_same_agent(world: World) -> None:
    called(world, "org/helpdesk")
    async with world.client() as client:
        evidence = await client.get("/api/v1/agents/org/helpdesk/evidence")
        page = await client.get("/agents/org/helpdesk")
    assert evidence.json()["agent"] == "org/helpdesk"
    assert "<h1>org/helpdesk " in page.text


async def test_a_page_without_a_name_asks_for_one(world: World) -> None:
    async with world.client() as client:
        answer = await client.get("/agent")
    assert (answer.status_code, "Say which agent" in answer.text) == (422, True)


async def test_another_moment_of_an_agent_called_by_query_keeps_its_name(world: World) -> None:
    called(world, "..")
    async with world.client() as client:
        page = (await client.get("/agent?name=..")).text
        ordinary = (await client.get("/agents/helpdesk-agent")).text
    assert '<input type="hidden" name="name" value="..">' in page
    assert 'name="name"' not in ordinary


async def test_signing_in_leads_on_to_the_agent_and_the_moment_that_were_asked_for(tmp_path: Path) -> None:
    wanted = "/agents/org%2Fwho%3Fme%25?at=2026-11-02T12%3A00%3A00Z&environment=prod"
    world = World(tmp_path, tokens=Tokens(api="oak"))
    async with world.client(Accept="text/html") as client:
        form = await client.get((await client.get(wanted)).headers["location"])
        assert f'name="next" value="{wanted}"' in unescape(form.text)
        sent = {"token": "oak", "next": wanted}
        inside = await client.post("/sign-in", data=sent, headers={"Origin": "http://test"})
        page = await client.get(inside.headers["location"])
    assert inside.headers["location"] == wanted
    assert "<h1>org/who?me% " in page.text


async def test_no_name_is_no_agent(world: World) -> None:
    async with world.client() as client:
        assert (await client.get("/api/v1/agents//evidence")).status_code == 422
