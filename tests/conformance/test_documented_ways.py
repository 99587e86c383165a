"""The Python in docs/connect-controls.md runs as it stands there, and obeys a halt."""

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext

from bot.controls.flagd import SyncFlags, listening
from bot.incident.kinds import MitigationKind
from tests.controls.test_builtin import lever
from tests.web.serving import serving
from tests.web.test_ofrep import CATALOGUE, Plane

PAGE = (Path(__file__).parents[2] / "docs" / "connect-controls.md").read_text("utf-8")
OWN, FLAGD, OFREP = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
CONTEXT = EvaluationContext("s-1", {"agent": "helpdesk-agent", "env": "production"})


async def run(text: str, world: dict[str, Any]) -> dict[str, Any]:
    await asyncio.to_thread(exec, text, world)
    return world


async def test_our_own_client(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    async with serving(Plane().app) as base:
        world = await run(OWN.replace("http://127.0.0.1:8080", base), {})
        assert (world["task"].turns, world["task"].steps, world["model"]) == (1, 1, "large-2026")
        await asyncio.to_thread(world["client"].close)


async def test_any_sdk_keeps_the_last_value_while_the_server_is_away() -> None:
    plane = Plane("wish")
    async with serving(plane.app) as base:
        world = await run(OFREP.replace("http://127.0.0.1:8080", base), {"token": "wish"})
        assert await asyncio.to_thread(world["halted"], CONTEXT) is False
        await plane.apply(lever(kind=MitigationKind.HALT))
        assert await asyncio.to_thread(world["halted"], CONTEXT) is True
    assert await asyncio.to_thread(world["halted"], CONTEXT) is True
    api.clear_providers()


async def test_the_flagd_provider() -> None:
    plane = Plane()
    await plane.apply(lever(kind=MitigationKind.HALT, environment="production"))
    async with listening(SyncFlags(plane.control, CATALOGUE, plane.clock, None), "127.0.0.1", 0) as port:
        await run(FLAGD.replace("port=8013", f"port={port}"), {})
        async with asyncio.timeout(10):
            while not await asyncio.to_thread(api.get_client().get_boolean_value, "agent.halt", default_value=False):  # noqa: ASYNC110 - no event for it
                await asyncio.sleep(0.02)
        await asyncio.to_thread(api.clear_providers)
