"""Every page on a phone and without a mouse: nothing scrolls sideways, everything has a name, the focus is seen."""

import asyncio
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Page

from bot.documents.postmortems import JinjaRenderer
from bot.web.parts import Parts
from tests.documents.test_postmortems import hostile_story, render
from tests.web.fakes import World, ailing
from tests.web.serving import serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

LONG = "https://tool.example/" + "a" * 90
WIDER = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
SCROLLING = "[...document.querySelectorAll('.scroll')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
NAMELESS = """[
  ...[...document.querySelectorAll('input:not([type=hidden]), select, textarea')]
    .filter(e => !e.labels?.length && !e.getAttribute('aria-label')),
  ...[...document.querySelectorAll('a, button:not([hidden]), summary')]
    .filter(e => !(e.getAttribute('aria-label') ?? e.textContent).trim()),
  ...document.querySelectorAll('img:not([alt])'),
  ...[...document.querySelectorAll('svg')].filter(e => !e.closest('[aria-hidden], [role=img]')),
].map(e => e.outerHTML.slice(0, 80))"""
APART = """(() => {
  const texts = document.createTreeWalker(document.querySelector('main'), NodeFilter.SHOW_TEXT), found = [];
  while (texts.nextNode()) if (/[0-9] %/.test(texts.currentNode.data) && !texts.currentNode.parentElement.closest('script, textarea, code'))
    found.push(texts.currentNode.data);
  return found;
})()"""
FOCUS = "[document.activeElement.tagName, getComputedStyle(document.activeElement).outlineStyle]"
TWICE = """[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, at, all) => all.indexOf(id) != at)"""


class Written(World):
    """The world, with postmortems as they are written."""

    def parts(self) -> Parts:
        return replace(super().parts(), renderer=JinjaRenderer())


@pytest.fixture
def addresses(tmp_path: Path) -> Iterator[list[str]]:
    """Every kind of page, of an incident in which people wrote what does not break."""
    found: list[str] = []
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        world = ailing(Written(tmp_path))
        key = await world.declared(f"It loops at {LONG}")
        async with world.client(**{"Firstfive-Actor": "ana"}) as client:
            here = f"/api/v1/incidents/{key}"
            await client.post(f"{here}/notes", json={"text": f"Look at {LONG}"})
            said = {"class": "LOOP", "cause": "our-prompt", "severity": "SEV1"}
            await client.post(f"{here}/classification", json=said)
            await client.post(f"{here}/mitigations", json={"kind": "turn-limit", "limit": 5, "reason": LONG})
            await client.get(
                "/agents/helpdesk-agent/figures"
            )  # measured once, so that the page without scripts has figures
            pair = (await client.get("/api/v1/agents/helpdesk-agent/evidence")).json()["pair"]
        async with serving(world.app) as base:
            incident = f"{base}/incidents/{key}"
            found.extend(
                [
                    f"{base}/",
                    f"{base}/agents/helpdesk-agent",
                    f"{base}/agents/{'x' * 150}",
                    incident,
                    *(
                        f"{incident}/{part}"
                        for part in ("classify", "levers", "levers/halt", "remediation", "postmortem")
                    ),
                    f"{base}/runbooks/LOOP",
                    f"{base}/traces/{pair['bad']}",
                    f"{base}/traces/{pair['bad']}/beside/{pair['good']}",
                ]
            )
            ready.set()
            await asyncio.to_thread(done.wait, 100)

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert ready.wait(30)
    yield found
    done.set()
    thread.join(10)


def test_no_page_scrolls_sideways_and_everything_has_a_name(addresses: list[str], phone: Page) -> None:
    for width in (390, 320):
        phone.set_viewport_size({"width": width, "height": 844})
        for address in addresses:
            answer = phone.goto(address)
            assert answer is not None
            assert (address, answer.status) == (address, 200)
            assert (address, phone.evaluate(WIDER), phone.evaluate(SCROLLING)) == (address, 0, 0)
            assert (address, phone.evaluate(NAMELESS), phone.evaluate(TWICE)) == (address, [], [])


def test_with_scripts_a_figure_keeps_its_unit_and_one_button_is_the_next_step(addresses: list[str], page: Page) -> None:
    for address in addresses:
        page.goto(address)
        page.wait_for_load_state("networkidle")
        assert (address, page.evaluate(APART)) == (address, [])
        assert page.locator(".primary:visible").count() <= 1


def test_who_has_no_mouse_sees_where_they_are(addresses: list[str], page: Page) -> None:
    for address in addresses:
        page.goto(address)
        for _ in range(8):
            page.keyboard.press("Tab")
            at, outline = page.evaluate(FOCUS)
            assert (address, at, outline) == (address, at, "auto" if at != "BODY" else outline)


def test_a_postmortem_that_was_sent_round_is_read_on_a_phone(phone: Page) -> None:
    phone.set_content(render(hostile_story(f"It loops at {LONG}"), "html"))
    assert phone.locator("#timeline tr").count() > 20
    assert phone.locator("#evidence tr").count() > 2
    assert (phone.evaluate(WIDER), phone.evaluate(SCROLLING)) == (0, 0)
