"""The dialog as pages: one question each, without scripts, for people who are signed in and owners with a link."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path

import httpx
import pytest

from bot.incident.facts.classifying import OwnerInvited, QuestionAnswered
from bot.incident.model import Person
from bot.web.tokens import Tokens
from tests.web.fakes import World, ailing

HERE = {"Origin": "http://test"}
ANA = Person("api:ana", "ana")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return ailing(World(tmp_path, tokens=Tokens(api="oak")))


class Form(HTMLParser):
    """What a browser would send of a page's form when nobody touches it."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.labels = self.inputs = 0
        self._select = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.labels += tag == "label"
        if tag == "input":
            self.inputs += found.get("type") != "hidden"
            if found.get("type") != "radio" or "checked" in found:
                self.fields[found["name"]] = found.get("value", "")
        if tag == "select":
            self.inputs += 1
            self._select = found["name"]
        if tag == "option" and "selected" in found:
            self.fields[self._select] = found["value"]


async def sent(client: httpx.AsyncClient, path: str, page: str, **said: str) -> tuple[str, str]:
    """Submit a page's form as it stands but for ``said``; the next page and its address."""
    answer = await client.post(path, data={**Form(page).fields, **said}, headers=HERE)
    assert answer.status_code in {303, 422}, answer.text
    if answer.status_code == 422:
        return answer.text, path
    following = answer.headers["location"]
    return (await client.get(following)).text, following


def heading(page: str) -> str:
    found = re.search(r"<h1>(.*?)</h1>", page, re.DOTALL)
    assert found, page
    return found[1]


async def invited(world: World, key: str) -> str:
    """The path of a private link for the agent's only owner."""
    (made,) = await world.verbs().invite(key, ANA, "i1")
    return made.path


async def test_from_the_first_question_to_the_class_without_a_script(world: World) -> None:
    key = await declared(world)
    async with world.client(Authorization="Bearer oak") as client:
        path = f"/incidents/{key}/classify"
        first = (await client.get(path)).text
        assert "Question 1 of 2" in first
        assert "Telemetry says <strong>no</strong>" in first
        second, _ = await sent(client, path, first, name="ana", then="next")
        assert "Question 2 of 2" in second
        assert "20 of 20" in second
        back, _ = await sent(client, path, second, then="back")
        assert "Question 1 of 2" in back
        assert "ana answered no" in back
        again, _ = await sent(client, path, back, then="next")
        verdict, _ = await sent(client, path, again, then="next")
        assert heading(verdict) == "LOOP: loop without progress"
        assert verdict.index("Do not") < verdict.index("Confirm LOOP")
        _, address = await sent(client, path, verdict, then="confirm")
        assert address == f"/incidents/{key}#runbook"
    state = await world.verbs().look.state(key)
    assert state.incident_class == "LOOP"
    assert state.set_by == ANA


async def test_every_field_has_a_label_and_each_page_one_heading(world: World) -> None:
    key = await declared(world)
    async with world.client(Authorization="Bearer oak") as client:
        for screen in ("harm_now", "looping", "class"):
            page = (await client.get(f"/incidents/{key}/classify?q={screen}")).text
            form = Form(page)
            assert form.labels == form.inputs > 0
            assert page.count("<h1") == 1
            assert "<html lang=" in page
            assert "onclick" not in page


async def test_a_private_link_opens_its_dialog_and_nothing_else(world: World) -> None:
    key = await declared(world)
    link = await invited(world, key)
    async with world.client() as client:
        entered = await client.get(link)
        assert (entered.status_code, entered.headers["location"]) == (303, f"/answer/{key}")
        cookie = entered.headers["set-cookie"]
        assert f"Path=/answer/{key}" in cookie
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert entered.headers["referrer-policy"] == "no-referrer"
        page = await client.get(f"/answer/{key}")
        assert page.headers["referrer-policy"] == "same-origin", "with none, browsers hide where a form comes from"
        assert page.headers["cache-control"] == "no-store"
        assert "You answer as it." in page.text
        assert "/traces/" not in page.text
        assert 'href="/incidents' not in page.text
        for closed in (f"/incidents/{key}", f"/incidents/{key}/classify", "/", "/glance"):
            refused = await client.get(closed, headers={"Accept": "text/html"})
            assert refused.status_code == 303, closed
            assert refused.headers["location"].startswith("/sign-in")
        assert (await client.get(f"/api/v1/incidents/{key}")).status_code == 401
        other = await declared(world, "another one")
        client.cookies.set("firstfive_answer", link.removeprefix("/link/"))
        refused = await client.get(f"/answer/{other}")
        assert refused.status_code == 403
        assert "for another incident" in refused.text


async def test_an_owner_classifies_in_their_own_name(world: World) -> None:
    key = await declared(world)
    link = await invited(world, key)
    async with world.client() as client:
        await client.get(link)
        path = f"/answer/{key}"
        page = (await client.get(path)).text
        page, _ = await sent(client, path, page, name="somebody else", then="next")
        page, _ = await sent(client, path, page, then="end")
        page, address = await sent(client, path, page, then="confirm")
        assert address == f"/answer/{key}?q=done"
        assert heading(page).startswith(f"{key} is LOOP")
    state = await world.verbs().look.state(key)
    assert {one.by.id for one in state.replies.values()} == {"owner:it"}
    assert state.set_by == Person("owner:it", "it")


async def test_a_link_ends_in_time_and_with_its_incident(world: World) -> None:
    key = await declared(world)
    link = await invited(world, key)
    async with world.client() as client:
        await client.get(link)
        await world.verbs().resolve(key, "over", frozenset(), ANA, "r")
        over = await client.get(f"/answer/{key}")
        assert over.status_code == 409
        assert "is resolved" in over.text
        world.clock.moment += timedelta(hours=4, seconds=1)
        ended = await client.get(link)
        assert ended.status_code == 403
        assert "This link ended at" in ended.text
        refused = await client.post(f"/answer/{key}", data={"question": "harm_now", "reply": "yes"}, headers=HERE)
        assert refused.status_code == 403
    assert not (await world.verbs().look.state(key)).replies


async def test_a_link_is_on_the_timeline_without_its_address(world: World) -> None:
    key = await declared(world)
    link = await invited(world, key)
    events = await world.verbs().look.timeline(key)
    assert [event.fact.owner for event in events if isinstance(event.fact, OwnerInvited)] == ["it"]
    assert link.removeprefix("/link/")[:20] not in repr(events)
    assert link not in repr(await world.verbs().invite(key, ANA, "i2"))


async def test_the_api_makes_links_for_owners_only(world: World) -> None:
    key = await declared(world)
    async with world.client(Authorization="Bearer oak") as client:
        made = await client.post(f"/api/v1/incidents/{key}/links", json={"minutes": 30})
        assert made.status_code == 201
        assert made.headers["cache-control"] == "no-store"
        (link,) = made.json()["links"]
        assert link["owner"] == "it"
        assert "/link/" in link["url"]
        stranger = await client.post(f"/api/v1/incidents/{key}/links", json={"owner": "mallory"})
        assert stranger.status_code == 422
        assert "mallory does not own helpdesk-agent. Its owners: it." in stranger.text
        long = await client.post(f"/api/v1/incidents/{key}/links", json={"minutes": 100_000})
        assert long.status_code == 422
    async with world.client() as client:
        assert (await client.post(f"/api/v1/incidents/{key}/links", json={})).status_code == 401


async def test_an_untouched_page_does_not_undo_what_somebody_answered_meanwhile(world: World) -> None:
    key = await declared(world)
    async with world.client(Authorization="Bearer oak") as client:
        path = f"/incidents/{key}/classify"
        mine = (await client.get(f"{path}?q=harm_now")).text
        theirs = (await client.get(f"{path}?q=harm_now")).text
        await sent(client, path, theirs, name="ben", reply="yes", then="next")
        shown, _ = await sent(client, path, mine, name="ana", then="next")
        assert "ben answered yes while you had this open" in shown
        assert "Harm is happening now: contain first." in shown
    events = await world.verbs().look.timeline(key)
    assert len([event for event in events if isinstance(event.fact, QuestionAnswered)]) == 1


async def test_a_class_changes_with_a_reason_and_never_unseen(world: World) -> None:
    key = await declared(world)
    async with world.client(Authorization="Bearer oak") as client:
        path = f"/incidents/{key}/classify"
        early = (await client.get(f"{path}?q=class")).text
        await sent(client, path, early, name="ben", then="confirm")
        overtaken, _ = await sent(
            client, path, early, name="ana", comment="it is the tool", then="confirm", severity="SEV1"
        )
        assert "ben has set LOOP while you had this open" in overtaken
        assert 'value="it is the tool"' in overtaken
        tool, address = await sent(client, path, overtaken, name="ana", **{"class": "TOOL"})
        assert address.endswith("class=TOOL")
        assert "Confirm TOOL" in tool
        refused, _ = await sent(client, path, tool, then="confirm")
        assert "LOOP is set already. Say in a few words why it changes" in refused
        await sent(client, path, refused, comment="search fails", then="confirm")
    assert (await world.verbs().look.state(key)).incident_class == "TOOL"


async def test_a_page_from_elsewhere_answers_nothing(world: World) -> None:
    key = await declared(world)
    link = await invited(world, key)
    async with world.client() as client:
        await client.get(link)
        said = {"question": "harm_now", "reply": "yes", "shown": "no"}
        refused = await client.post(f"/answer/{key}", data=said, headers={"Origin": "https://evil.example"})
        assert refused.status_code == 403
    assert not (await world.verbs().look.state(key)).replies


async def declared(world: World, title: str = "It goes round in circles") -> str:
    async with world.client(Authorization="Bearer oak") as client:
        answer = await client.post("/api/v1/incidents", json={"title": title, "agent": "helpdesk-agent"})
    await world.queue.run()
    return str(answer.json()["key"])
