"""What pages of other origins may read: controls where they are named, and nothing else."""

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from bot.web.application import build
from tests.web.fakes import World

TEAM = "https://chat.example.com"
EVALUATE = "/ofrep/v1/evaluate/flags"
ASK = {"context": {"targetingKey": "s-1", "agent": "helpdesk-agent"}}


def client(cache: Path, *origins: str) -> httpx.AsyncClient:
    app = build(replace(World(cache).parts(), browser_origins=origins))
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test", headers={"Origin": TEAM})


def preflight(method: str = "POST", headers: str = "authorization, content-type, if-none-match") -> dict[str, str]:
    return {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": headers}


async def test_a_named_origin_may_ask_and_read_etag_and_retry_after(tmp_path: Path) -> None:
    async with client(tmp_path, "https://elsewhere.example.com", TEAM) as page:
        allowed = await page.options(EVALUATE, headers=preflight())
        answered = await page.post(EVALUATE, json=ASK)
        again = await page.post(EVALUATE, json=ASK, headers={"If-None-Match": answered.headers["etag"]})
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == TEAM
    assert {"authorization", "if-none-match"} <= set(
        allowed.headers["access-control-allow-headers"].lower().split(", ")
    )
    assert answered.headers["access-control-allow-origin"] == again.headers["access-control-allow-origin"] == TEAM
    assert answered.headers["access-control-expose-headers"] == "ETag, Retry-After"
    assert "Origin" in answered.headers["vary"]
    assert again.status_code == 304
    assert "access-control-allow-credentials" not in answered.headers  # no cookie of ours goes along


@pytest.mark.parametrize("origins", [(), ("https://elsewhere.example.com",)])
async def test_nobody_else_may(tmp_path: Path, origins: tuple[str, ...]) -> None:
    async with client(tmp_path, *origins) as page:
        refused = await page.options(EVALUATE, headers=preflight())
        answered = await page.post(EVALUATE, json=ASK)
    assert refused.status_code >= 400
    assert "access-control-allow-origin" not in {*refused.headers, *answered.headers}


@pytest.mark.parametrize(
    "path", ["/api/v1/incidents", "/incidents", "/v1/traces", "/controls/v1/snapshot", "/hooks/changes", "/metrics"]
)
async def test_everything_else_stays_shut_also_to_named_origins(tmp_path: Path, path: str) -> None:
    async with client(tmp_path, TEAM) as page:
        refused = await page.options(path, headers=preflight("GET"))
        answered = await page.get(path)
    assert "access-control-allow-origin" not in {*refused.headers, *answered.headers}
