"""Unleash, on a stand-in; the real server is in tests/integration."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.controls import unleash
from bot.controls.conformance import PROMISES, Promise, Subject
from bot.incident.errors import Refused, Uncertain
from bot.incident.kinds import MitigationKind
from bot.ports import Driver
from tests.controls.at_work import after, opened, pulled
from tests.controls.little_unleash import ADMIN, READERS, LittleUnleash

HALT, TURNS = MitigationKind.HALT, MitigationKind.TURN_LIMIT
WIRING = {
    "halt": {"feature": "helpdesk.halt", "environment.staging": "development"},
    "turn-limit": {},
    "disable-tools": {"feature": "helpdesk.{tool}.off"},
}
SECRETS = (ADMIN, *READERS.values())


def driver_at(url: str) -> unleash.Unleash:
    settings = {unleash.URL: url, unleash.TOKEN: ADMIN, unleash.READ_TOKENS: ",\n".join(READERS.values())}
    driver = opened(unleash.DRIVER, WIRING, settings)
    assert isinstance(driver, unleash.Unleash)
    driver._vendor.within = 2.0
    return driver


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unleash, "LOOKS", 2)
    monkeypatch.setattr(unleash, "BETWEEN_LOOKS", 0.01)


@asynccontextmanager
async def at(vendor: LittleUnleash) -> AsyncIterator[Driver]:
    async with vendor.serving() as url:
        driver = driver_at(url)
        yield driver
        await driver.close()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("kind", [HALT, TURNS])
async def test_it_keeps_every_promise(promise: Promise, kind: MitigationKind) -> None:
    async with LittleUnleash().serving() as url:
        mitigation = pulled(kind, True if kind is HALT else 5)
        await promise(Subject(driver_at, url, mitigation, SECRETS))


async def test_a_tighter_limit_comes_first_and_a_looser_one_is_left_when_it_is_lifted() -> None:
    vendor = LittleUnleash()
    loose, tight = pulled(TURNS, 20, id_="loose"), pulled(TURNS, 5, id_="tight", tenant="acme")
    async with at(vendor) as driver:
        await driver.apply(driver.plan(loose, after(loose)), "a")
        await driver.apply(driver.plan(tight, after(loose, tight, of=tight)), "b")
        there = vendor.features["helpdesk-agent.max_turns"]["environments"]["production"]
        ordered = sorted(there["strategies"], key=lambda one: one["sortOrder"])
        assert [one["variants"][0]["payload"]["value"] for one in ordered] == ["5", "20"]
        assert ordered[0]["constraints"] == [{"contextName": "tenant", "operator": "IN", "values": ["acme"]}]
        assert ordered[0]["title"] == "INC-7: Turn limit 5 applied by Ana Reyes (firstfive tight). loops since 11:52"
        await driver.revert(driver.plan(tight, after(loose, of=tight)), "c")
        assert there["enabled"]
        assert (await driver.read_back(loose, after(loose))).confirmed


async def test_a_mitigation_without_an_environment_goes_to_all_of_the_agents() -> None:
    vendor = LittleUnleash()
    everywhere = pulled(HALT, environment="")
    async with at(vendor) as driver:
        plan = driver.plan(everywhere, after(everywhere))
        assert plan.words == (
            "Unleash: turn helpdesk.halt in production on",
            "Unleash: turn helpdesk.halt in development on",
        )
        await driver.apply(plan, "a")
        states = vendor.features["helpdesk.halt"]["environments"]
        assert [states[one]["enabled"] for one in READERS] == [True, True]


async def test_a_feature_that_was_on_before_stays_on() -> None:
    vendor = LittleUnleash()
    there = vendor.feature("helpdesk.halt")["environments"]["production"]
    there |= {"enabled": True, "strategies": [{"id": "theirs", "name": "userWithId", "parameters": {}, "sortOrder": 0}]}
    halt = pulled(HALT)
    async with at(vendor) as driver:
        await driver.apply(driver.plan(halt, after(halt)), "a")
        receipt = await driver.revert(driver.plan(halt, after(of=halt)), "b")
    assert receipt.detail == "helpdesk.halt in production stays on for what was on there before"
    assert there["enabled"]
    assert [one["id"] for one in there["strategies"]] == ["theirs"]


async def test_a_scoped_halt_does_not_wake_strategies_that_sleep_there() -> None:
    vendor = LittleUnleash()
    vendor.feature("helpdesk.halt")["environments"]["production"]["strategies"].append(
        {"id": "theirs", "name": "flexibleRollout", "parameters": {"rollout": "100"}, "sortOrder": 0}
    )
    scoped = pulled(HALT, tenant="acme")
    async with at(vendor) as driver:
        with pytest.raises(Refused, match="strategies of its own"):
            await driver.apply(driver.plan(scoped, after(scoped)), "a")
    assert not vendor.writes


async def test_what_change_requests_forbid_leaves_nothing_behind() -> None:
    vendor = LittleUnleash(locked=True)
    halt = pulled(HALT)
    async with at(vendor) as driver:
        with pytest.raises(Refused, match="HTTP 403: Change requests are enabled"):
            await driver.apply(driver.plan(halt, after(halt)), "a")
    assert vendor.features["helpdesk.halt"]["environments"]["production"] == {"enabled": False, "strategies": []}


async def test_half_done_is_uncertain_and_says_which_half() -> None:
    vendor = LittleUnleash()
    del vendor.feature("helpdesk.halt")["environments"]["development"]
    everywhere = pulled(HALT, environment="")
    async with at(vendor) as driver:
        with pytest.raises(Uncertain, match=r"Only a part is written: helpdesk\.halt in production"):
            await driver.apply(driver.plan(everywhere, after(everywhere)), "a")


async def test_tools_are_switched_off_one_by_one() -> None:
    vendor = LittleUnleash()
    tools = pulled(MitigationKind.DISABLE_TOOLS, ("refund", "reset_password"))
    async with at(vendor) as driver:
        await driver.apply(driver.plan(tools, after(tools)), "a")
        assert sorted(vendor.features) == ["helpdesk.refund.off", "helpdesk.reset_password.off"]
        assert (await driver.read_back(tools, after(tools))).confirmed


async def test_an_archived_feature_is_refused() -> None:
    halt = pulled(HALT)
    async with at(LittleUnleash(archived={"helpdesk.halt"})) as driver:
        with pytest.raises(Refused, match=r"cannot create helpdesk\.halt: An archived flag"):
            await driver.apply(driver.plan(halt, after(halt)), "a")


async def test_without_the_agents_own_token_nothing_is_confirmed() -> None:
    halt = pulled(HALT, environment="canary")
    async with at(LittleUnleash()) as driver:
        found = await driver.read_back(halt, after(halt))
    assert found.detail == "no token in FIRSTFIVE_UNLEASH_CLIENT_TOKENS reads canary as agents do"


def test_a_pattern_without_a_tool_cannot_switch_tools_off() -> None:
    said = unleash.DRIVER.mistake(MitigationKind.DISABLE_TOOLS, {"feature": "helpdesk.tools"})
    assert "write {tool} into feature" in said
    assert unleash.read_tokens("default:production.x\n,*:staging.y") == {
        "production": "default:production.x",
        "staging": "*:staging.y",
    }
