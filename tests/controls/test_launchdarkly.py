"""LaunchDarkly, against the documented shapes of its API on a stand-in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.controls import launchdarkly
from bot.controls.conformance import PROMISES, Promise, Subject
from bot.incident.errors import Refused, Unavailable
from bot.incident.kinds import MitigationKind
from bot.ports import Driver
from tests.controls.at_work import after, opened, pulled
from tests.controls.little_launchdarkly import TOKEN, LittleLaunchDarkly

HALT, TURNS = MitigationKind.HALT, MitigationKind.TURN_LIMIT
WIRING = {
    "halt": {"flag": "helpdesk-enabled"},
    "drain": {"flag": "helpdesk-drain", "in_force": "true"},
    "turn-limit": {"flag": "helpdesk-turns"},
}


def a_vendor() -> LittleLaunchDarkly:
    vendor = LittleLaunchDarkly()
    vendor.flag("helpdesk-enabled", True, False)
    vendor.flag("helpdesk-drain", True, False, on=False)
    vendor.flag("helpdesk-turns", 20, 5, 8, off=0)
    return vendor


def driver_at(url: str) -> launchdarkly.LaunchDarkly:
    driver = opened(launchdarkly.DRIVER, WIRING, {launchdarkly.URL: url, launchdarkly.TOKEN: TOKEN})
    assert isinstance(driver, launchdarkly.LaunchDarkly)
    driver._vendor.within = 2.0
    return driver


@asynccontextmanager
async def at(vendor: LittleLaunchDarkly) -> AsyncIterator[Driver]:
    async with vendor.serving() as url:
        driver = driver_at(url)
        yield driver
        await driver.close()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize("kind", [HALT, TURNS])
async def test_it_keeps_every_promise(promise: Promise, kind: MitigationKind) -> None:
    async with a_vendor().serving() as url:
        mitigation = pulled(kind, 5 if kind is TURNS else True)
        await promise(Subject(driver_at, url, mitigation, (TOKEN,)))


async def test_a_kill_switch_turns_the_flag_off_in_one_patch_with_a_comment() -> None:
    vendor, halt = a_vendor(), pulled(HALT)
    async with at(vendor) as driver:
        receipt = await driver.apply(driver.plan(halt, after(halt)), "a")
    patch = vendor.writes[-1].body
    assert receipt.requests == ("helpdesk-enabled version 2",)
    assert patch["comment"] == "INC-7: Kill switch applied by Ana Reyes (firstfive 3f2a). loops since 11:52"
    assert [one["kind"] for one in patch["instructions"]] == ["addRule", "turnFlagOff"]
    assert vendor.flags["helpdesk-enabled"]["environments"]["production"]["on"] is False
    assert vendor.flags["helpdesk-enabled"]["environments"]["staging"]["on"] is True


async def test_a_flag_that_means_in_force_when_on_is_turned_on_and_off_again() -> None:
    vendor, drain = a_vendor(), pulled(MitigationKind.DRAIN)
    there = vendor.flags["helpdesk-drain"]["environments"]
    async with at(vendor) as driver:
        await driver.apply(driver.plan(drain, after(drain)), "a")
        assert there["production"]["on"]
        assert (await driver.read_back(drain, after(drain))).confirmed
        await driver.revert(driver.plan(drain, after(of=drain)), "b")
    assert (there["production"]["on"], there["production"]["rules"]) == (False, [])


async def test_a_flag_that_was_off_before_stays_off() -> None:
    vendor, halt = a_vendor(), pulled(HALT)
    there = vendor.flags["helpdesk-enabled"]["environments"]
    there["production"]["on"] = False
    async with at(vendor) as driver:
        await driver.apply(driver.plan(halt, after(halt)), "a")
        await driver.revert(driver.plan(halt, after(of=halt)), "b")
    assert (there["production"]["on"], there["production"]["rules"]) == (False, [])


async def test_one_tenant_is_halted_by_a_rule_and_the_flag_stays_on() -> None:
    vendor, halt = a_vendor(), pulled(HALT, tenant="acme")
    async with at(vendor) as driver:
        await driver.apply(driver.plan(halt, after(halt)), "a")
        assert (await driver.read_back(halt, after(halt))).confirmed
    there = vendor.flags["helpdesk-enabled"]["environments"]["production"]
    assert there["on"]
    (clause,) = there["rules"][0]["clauses"]
    wanted = {"contextKind": "user", "attribute": "tenant", "op": "in", "negate": False, "values": ["acme"]}
    assert clause == wanted | {"_id": clause["_id"]}


async def test_the_halt_for_all_ends_and_the_one_for_a_tenant_stays() -> None:
    vendor = a_vendor()
    everyone, acme = pulled(HALT, id_="all"), pulled(HALT, id_="acme", tenant="acme")
    there = vendor.flags["helpdesk-enabled"]["environments"]
    async with at(vendor) as driver:
        await driver.apply(driver.plan(acme, after(acme)), "a")
        await driver.apply(driver.plan(everyone, after(everyone, acme)), "b")
        assert not there["production"]["on"]
        await driver.revert(driver.plan(everyone, after(acme)), "c")
        assert bool(there["production"]["on"])
        assert (await driver.read_back(acme, after(acme))).confirmed


async def test_the_tighter_limit_comes_first() -> None:
    vendor = a_vendor()
    loose, tight = pulled(TURNS, 8, id_="loose"), pulled(TURNS, 5, id_="tight")
    async with at(vendor) as driver:
        await driver.apply(driver.plan(tight, after(tight)), "a")
        await driver.apply(driver.plan(loose, after(loose, tight)), "b")
    rules = vendor.flags["helpdesk-turns"]["environments"]["production"]["rules"]
    assert [rule["variation"] for rule in rules] == [1, 2]


async def test_a_value_without_a_variation_is_refused_and_nothing_is_written() -> None:
    vendor, turns = a_vendor(), pulled(TURNS, 6)
    async with at(vendor) as driver:
        with pytest.raises(Refused, match="has none with 6; add one"):
            await driver.apply(driver.plan(turns, after(turns)), "a")
    assert not vendor.writes


async def test_where_approvals_are_required_one_request_is_made_and_nothing_is_claimed() -> None:
    vendor, halt = a_vendor(), pulled(HALT)
    vendor.approvals = True
    async with at(vendor) as driver:
        plan = driver.plan(halt, after(halt))
        receipt = await driver.apply(plan, "a")
        again = await driver.apply(plan, "a")
        assert receipt.requests == again.requests == ("approval request r0",)
        assert "nothing is in force yet" in receipt.detail
        assert not (await driver.read_back(halt, after(halt))).confirmed
        vendor.approve("helpdesk-enabled", "production")
        assert (await driver.read_back(halt, after(halt))).confirmed


async def test_a_change_at_the_same_moment_is_asked_again() -> None:
    vendor, halt = a_vendor(), pulled(HALT)
    vendor.conflicts = 1
    async with at(vendor) as driver:
        plan = driver.plan(halt, after(halt))
        with pytest.raises(Unavailable, match="for somebody else just now") as failure:
            await driver.apply(plan, "a")
        assert failure.value.retry_after.total_seconds() == 1
        await driver.apply(plan, "a")


async def test_individual_targets_that_escape_are_found_out() -> None:
    vendor, halt = a_vendor(), pulled(HALT, tenant="acme")
    there = vendor.flags["helpdesk-enabled"]["environments"]["production"]
    there["targets"] = [{"values": ["vip"], "variation": 0}]
    async with at(vendor) as driver:
        await driver.apply(driver.plan(halt, after(halt)), "a")
        found = await driver.read_back(halt, after(halt))
    assert found.detail == "helpdesk-enabled in production: it serves some individual targets another variation"


def test_options_that_cannot_be_meant_are_named() -> None:
    assert "in_force" in launchdarkly.DRIVER.mistake(TURNS, {"in_force": "true"})
    assert "does not do disable-tools" in launchdarkly.DRIVER.mistake(MitigationKind.DISABLE_TOOLS, {})
    assert "'flagg' is no option" in launchdarkly.DRIVER.mistake(HALT, {"flagg": "x"})
