"""Stand-ins for products that cannot run here, held against the types in the vendors' own client libraries.

Those libraries are generated from the vendors' OpenAPI descriptions: what our sources and drivers send must fit them, and so
must what the stand-ins answer, or tests against a stand-in would prove little.
"""

import json
import subprocess
from pathlib import Path
from typing import Any

from bot.incident.kinds import MitigationKind
from tests.controls.at_work import after, pulled
from tests.controls.test_launchdarkly import a_vendor, driver_at
from tests.integration import servers
from tests.sources.test_datadog import LittleDatadog, datadog
from tests.sources.test_datadog import a_task as a_datadog_task
from tests.sources.test_langsmith import LittleLangSmith, langsmith
from tests.sources.test_langsmith import a_task as a_langsmith_task
from tests.sources.vendor_stub import an_ask

Bodies = list[Any]
PROGRAM = Path(__file__).with_name("official_clients.py")
EVERY_PAGE = 2  # rows a page, so that cursors are asked for too


def complaints(vendor: str, asked: Bodies, answered: Bodies) -> object:
    """What the vendor's client library finds wrong with either side."""
    assert asked, "nothing was asked, so nothing was checked"
    python = servers.environment("vendors") / "python"
    given = json.dumps({"vendor": vendor, "asked": asked, "answered": answered})
    run = subprocess.run([python, PROGRAM], input=given, capture_output=True, text=True, check=False, timeout=120)
    assert run.returncode == 0, run.stderr[-2000:]
    return json.loads(run.stdout)


async def test_langsmith_is_asked_in_its_own_words_and_its_stand_in_answers_in_its_shapes() -> None:
    runs = [run for trace in range(100, 160, 10) for run in a_langsmith_task(trace, trace / 10)]
    async with langsmith(LittleLangSmith(runs, page=EVERY_PAGE)) as (source, stub):
        assert (await source.find(an_ask())).traces
    pairs = [(a.body, r.body) for a, r in zip(stub.asked, stub.answered, strict=True) if a.method == "POST"]
    assert any(body.get("cursor") for body, _ in pairs)
    assert complaints("langsmith", [body for body, _ in pairs], [body for _, body in pairs]) == []


async def test_datadog_is_asked_in_its_own_words_and_its_stand_in_answers_in_its_shapes() -> None:
    spans = [span for trace in range(1, 4) for span in a_datadog_task(trace, trace + 1)]
    async with datadog(LittleDatadog(spans, page=EVERY_PAGE)) as (source, stub):
        assert (await source.find(an_ask())).traces
    assert any("cursor" in asked.body["data"]["attributes"]["page"] for asked in stub.asked)
    assert complaints("datadog", [a.body for a in stub.asked], [r.body for r in stub.answered]) == []


async def test_launchdarkly_is_asked_for_approvals_in_its_own_words_and_its_stand_in_answers_in_its_shapes() -> None:
    vendor, halt = a_vendor(), pulled(MitigationKind.HALT, tenant="acme")
    async with vendor.serving() as url:
        driver = driver_at(url)
        await driver.apply(driver.plan(halt, after(halt)), "a")
        vendor.approvals = True
        turns = pulled(MitigationKind.TURN_LIMIT, 5)
        await driver.apply(driver.plan(turns, after(turns)), "b")
        await driver.close()
    refusals = [body for body in vendor.answered if "code" in body]
    assert [body["code"] for body in refusals] == ["method_not_allowed"]
    answered = [body for body in vendor.answered if "code" not in body]
    assert vendor.requests
    assert complaints("launchdarkly", [told.body for told in vendor.writes], answered) == []
