"""The page docs/write-a-driver.md tells the truth: its driver keeps every promise, and its test is one."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from bot.controls.conformance import PROMISES, Promise
from bot.incident.kinds import MitigationKind
from tests.controls.examples import code, installed
from tests.controls.stand_ins import Declined, StandIn, Told


@dataclass
class Gate(StandIn):
    """The gate of the page's example."""

    closed: dict[str, bool] = field(default_factory=dict)

    def answer(self, told: Told) -> tuple[int, object]:
        if told.headers.get("authorization") != "Bearer not-a-secret":
            raise Declined(401, {"message": "no"})
        name = told.parts[-1]
        if told.method == "PUT":
            self.closed[name] = told.body["closed"]
        return 200, {"closed": self.closed.get(name, False), "change": len(self.writes)}


@pytest.fixture
def test_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    with installed(tmp_path, "acme_gate.py", "test_acme_gate.py") as (_, test):
        vendor = __import__("bot.controls.vendor", fromlist=["Vendor"]).Vendor
        made = vendor.__init__
        monkeypatch.setattr(vendor, "__init__", lambda self, *args: made(self, *args, within=2.0))
        yield test


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_the_example_keeps_every_promise(promise: Promise, test_module: Any) -> None:
    async with Gate().serving() as url:
        await test_module.test_the_gate_keeps_every_promise(promise, url)


def test_the_page_has_all_three_files() -> None:
    assert sorted(code()) == ["acme_gate.py", "receiver.py", "test_acme_gate.py"]


def test_the_example_says_what_is_wrong_with_its_wiring(test_module: Any) -> None:
    assert test_module.DRIVER.mistake(MitigationKind.HALT, {"gates": "x"}) == (
        "'gates' is no option of acme-gate; use gate."
    )
