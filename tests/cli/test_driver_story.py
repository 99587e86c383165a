"""A halt through somebody else's control plane: over the API to a signed webhook, read back, and lifted by two people."""

import asyncio
import base64
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.cli.conftest import Terminal
from tests.controls.examples import installed
from tests.web.serving import serving

SECRET = f"whsec_{base64.b64encode(b'0123456789abcdef-not-a-secret').decode()}"
ANA, BEN = {"Firstfive-Actor": "Ana Reyes"}, {"Firstfive-Actor": "Ben Okafor"}
WITHIN = 60.0  # seconds


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    with installed(tmp_path, "receiver.py") as (module,):
        yield module


async def served(terminal: Terminal, controls: str) -> httpx.AsyncClient:
    """A server whose helpdesk agent is halted at that address."""
    (terminal.home / "agents.yaml").write_text(
        "agents:\n  - name: helpdesk-agent\n    controls:\n"
        f'      halt: {{driver: webhook, url: "{controls}", state_url: "{controls}"}}\n'
    )
    _, port, _ = await asyncio.to_thread(terminal.serve, FIRSTFIVE_WEBHOOK_SECRETS=SECRET)
    return httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False, timeout=WITHIN)


async def halted(api: httpx.AsyncClient) -> str:
    """The id of a halt that Ana has asked for."""
    order = {"agent": "helpdesk-agent", "kind": "halt", "reason": "it mails strangers", "on_expiry": "revert"}
    made = await api.post("/mitigations", json=order, headers=ANA)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def becomes(api: httpx.AsyncClient, mitigation: str, *states: str, doubted: bool = False) -> dict[str, Any]:
    """The mitigation once it is in one of these states, and in doubt or not."""
    async with asyncio.timeout(WITHIN):
        while True:
            found: dict[str, Any] = (await api.get(f"/mitigations/{mitigation}")).json()
            if found["state"] in states and bool(found["uncertain"]) is doubted:
                return found
            await asyncio.sleep(0.05)


async def test_a_halt_goes_out_is_read_back_and_is_lifted_for_the_second_person(
    terminal: Terminal, receiver: Any
) -> None:
    place = ("helpdesk-agent", "halt")
    async with serving(receiver.app) as url, await served(terminal, f"{url}/controls") as api:
        mitigation = await halted(api)
        found = await becomes(api, mitigation, "applied", "delivered", "observed", "unproven")
        assert (found["driver"], found["uncertain"], found["requests"]) == ("webhook", "", ["revision 1"])
        assert receiver.in_force == {place: True}
        asked = await api.post(f"/mitigations/{mitigation}/revert", json={"reason": "mended"}, headers=ANA)
        assert asked.status_code == 202
        assert receiver.in_force == {place: True}
        agreed = await api.post(f"/mitigations/{mitigation}/approve", json={}, headers=BEN)
        assert agreed.is_success, agreed.text
        await becomes(api, mitigation, "reverted")
    assert receiver.in_force == {}
    assert len(receiver.done) == 2


async def test_a_receiver_that_says_yes_and_does_nothing_is_called_uncertain(
    terminal: Terminal, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "in_force", Forgetful())
    monkeypatch.setattr(receiver, "applied", Forgetful())
    async with serving(receiver.app) as url, await served(terminal, f"{url}/controls") as api:
        mitigation = await halted(api)
        found = await becomes(api, mitigation, "applying", doubted=True)
    assert found["uncertain"].startswith(
        "webhook answered the write (the webhook says state None) and does not confirm it:"
    )


async def test_what_a_receiver_declines_is_no_success_at_any_door(
    terminal: Terminal, receiver: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receiver, "KEY", b"another key")
    async with serving(receiver.app) as url, await served(terminal, f"{url}/controls") as api:
        made = await api.post("/mitigations", json={"agent": "helpdesk-agent", "kind": "halt"}, headers=ANA)
        assert (made.status_code, receiver.in_force) == (409, {})
        assert made.json()["detail"].startswith("Kill switch on helpdesk-agent is not in force (INC-1): The webhook")
        halt = ("control", "halt", "--agent", "helpdesk-agent")
        done = await asyncio.to_thread(terminal.run, *halt, FIRSTFIVE_WEBHOOK_SECRETS=SECRET)
    assert (done.returncode, "is not in force (INC-2): The webhook" in done.stderr) == (1, True), done.stderr


class Forgetful(dict[Any, Any]):
    """Takes everything and keeps nothing."""

    def __setitem__(self, key: object, value: object) -> None:
        del key, value

    def add(self, one: object) -> None:
        del one

    def discard(self, one: object) -> None:
        del one
