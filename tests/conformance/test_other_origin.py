"""The official web provider in a real browser, in a page of another origin than ours."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from playwright.async_api import Page, async_playwright, expect
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import MitigationState
from bot.web.flag_answers import EVENTS
from bot.web.origins import OtherOrigins
from tests.browser.conftest import FLAGS, chromium
from tests.controls.test_builtin import lever
from tests.web.serving import serving
from tests.web.test_ofrep import Plane

HERE = Path(__file__).parent
TOKEN = "wish"


class Watched:
    """The routes as they are served; notes which requests came from a page."""

    def __init__(self, plane: Plane, *origins: str) -> None:
        self._app = OtherOrigins(plane.app, origins)
        self.asked: list[tuple[str, str, Headers]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self.asked.append((scope["method"], scope["path"], Headers(scope=scope)))
        await self._app(scope, receive, send)


@asynccontextmanager
async def a_teams_page() -> AsyncIterator[str]:
    """The origin of a page that holds the provider: another host and another port than the server's."""
    page = Route("/", lambda _request: FileResponse(HERE / "page.html"))
    modules = Mount("/modules", StaticFiles(directory=HERE / "node" / "node_modules"))
    async with serving(Starlette(routes=[page, modules])) as base:
        yield base.replace("127.0.0.1", "localhost")


@asynccontextmanager
async def a_browser() -> AsyncIterator[Page]:
    found = chromium()
    if found is None:
        if os.environ.get("FIRSTFIVE_BROWSER") == "required":
            pytest.fail("no Chromium found; install Debian's package chromium")
        pytest.skip("NO BROWSER: pages of other origins were NOT tested. Install chromium and run again.")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=found, args=FLAGS)
        try:
            yield await browser.new_page()
        finally:
            await browser.close()


@pytest.mark.browser
@pytest.mark.usefixtures("node")
async def test_a_page_of_an_origin_we_name_follows_the_controls_over_the_event_stream() -> None:
    plane = Plane(TOKEN)
    async with a_teams_page() as origin, a_browser() as page:
        watched = Watched(plane, origin)
        async with serving(watched) as server:
            await page.goto(f"{origin}/?server={server}&token={TOKEN}")
            await expect(page.locator("#halt")).to_have_text("running")
            halt = await plane.apply(lever(kind=MitigationKind.HALT))
            await expect(page.locator("#halt")).to_have_text("halted")
            await plane.apply(halt.moved(MitigationState.REVERTED))
            await expect(page.locator("#halt")).to_have_text("running")
            await page.goto("about:blank")
    assert {headers.get("origin") for _, _, headers in watched.asked} == {origin}
    assert ("GET", EVENTS) in {(method, path) for method, path, _ in watched.asked}
    assert any("if-none-match" in headers for method, _, headers in watched.asked if method == "POST")  # ETag was read


@pytest.mark.browser
@pytest.mark.usefixtures("node")
async def test_a_page_of_an_origin_we_do_not_name_reads_nothing() -> None:
    plane = Plane(TOKEN)
    async with (
        a_teams_page() as origin,
        a_browser() as page,
        serving(Watched(plane, "https://chat.example.com")) as server,
    ):
        await page.goto(f"{origin}/?server={server}&token={TOKEN}")
        await expect(page.locator("#error")).to_have_text("The OFREP request failed.")
        await expect(page.locator("#halt")).to_have_text("waiting")
