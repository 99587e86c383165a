"""LiteLLM's admin API, against its own description on a stand-in."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from bot.controls import litellm
from bot.controls.conformance import PROMISES, Promise, Subject
from bot.incident.errors import Refused, Unsupported
from bot.incident.kinds import MitigationKind, Value
from bot.ports import Driver
from tests.controls.at_work import after, opened, pulled
from tests.controls.little_litellm import HASH, MASTER, LittleLiteLlm

HALT, TURNS, RATE, PIN = (
    MitigationKind.HALT,
    MitigationKind.TURN_LIMIT,
    MitigationKind.RATE_CAP,
    MitigationKind.MODEL_PIN,
)
KEY = {"key": HASH}
PLAIN = {"halt": KEY, "turn-limit": KEY, "rate-cap": KEY, "model-pin": {**KEY, "models": "big, bigger"}}
PINS: Mapping[str, Mapping[str, str]] = {
    "alias": PLAIN["model-pin"],
    "deployment": {"pin": "deployment", "deployments": "d1"},
    "fallback": {**KEY, "pin": "fallback", "models": "big", "deployments": "d1"},
}
CASES = [
    pytest.param(HALT, True, PLAIN, id="halt"),
    pytest.param(HALT, True, {"halt": {"deployments": "d1"}}, id="halt of a deployment"),
    pytest.param(TURNS, 5, PLAIN, id="turns"),
    pytest.param(RATE, 3, PLAIN, id="rate"),
    *(pytest.param(PIN, "small", {"model-pin": PINS[how]}, id=f"pin by {how}") for how in litellm.PINS),
]


def a_vendor() -> LittleLiteLlm:
    vendor = LittleLiteLlm()
    vendor.deployment("d1", "openai/big")
    return vendor


def driver_at(url: str, wiring: Mapping[str, Mapping[str, str]] = PLAIN) -> litellm.LiteLlm:
    driver = opened(litellm.DRIVER, wiring, {litellm.URL: url, litellm.KEY: MASTER})
    assert isinstance(driver, litellm.LiteLlm)
    driver._vendor.within = 2.0
    return driver


@asynccontextmanager
async def at(vendor: LittleLiteLlm, wiring: Mapping[str, Mapping[str, str]] = PLAIN) -> AsyncIterator[Driver]:
    async with vendor.serving() as url:
        driver = driver_at(url, wiring)
        yield driver
        await driver.close()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize(("kind", "value", "wiring"), [CASES[0], CASES[2], CASES[4], CASES[6]])
async def test_it_keeps_every_promise(
    promise: Promise, kind: MitigationKind, value: Value, wiring: Mapping[str, Mapping[str, str]]
) -> None:
    async with a_vendor().serving() as url:
        await promise(Subject(lambda url: driver_at(url, wiring), url, pulled(kind, value), (MASTER,)))


@pytest.mark.parametrize(("kind", "value", "wiring"), CASES)
async def test_everything_is_as_it_was_once_it_is_lifted(
    kind: MitigationKind, value: Value, wiring: Mapping[str, Mapping[str, str]]
) -> None:
    vendor, pull = a_vendor(), pulled(kind, value)
    vendor.key |= {"rpm_limit": 60, "aliases": {"tiny": "t"}, "metadata": {"team": "support", "max_iterations": 40}}
    vendor.fallbacks["big"] = ["medium"]
    async with at(vendor, wiring) as driver:
        await driver.apply(driver.plan(pull, after(pull)), "a")
        await driver.revert(driver.plan(pull, after(of=pull)), "b")
    blocked = vendor.key.pop("blocked")
    assert not blocked
    assert vendor.key == {
        "rpm_limit": 60,
        "aliases": {"tiny": "t"},
        "metadata": {"team": "support", "max_iterations": 40},
    }
    assert vendor.fallbacks == {"big": ["medium"]}
    assert vendor.deployments["d1"]["litellm_params"] == {"model": "openai/big"}
    assert not vendor.deployments["d1"]["model_info"].get("blocked")


async def test_a_halt_blocks_the_key_and_says_for_whom() -> None:
    vendor, halt = a_vendor(), pulled(HALT)
    async with at(vendor) as driver:
        await driver.apply(driver.plan(halt, after(halt)), "a")
    assert [told.path for told in vendor.writes] == ["/key/update", "/key/block"]
    assert vendor.writes[-1].headers["litellm-changed-by"] == "Ana Reyes (U0ANA), INC-7, firstfive 3f2a"
    assert vendor.key["blocked"] is True


async def test_a_key_that_was_blocked_before_stays_blocked() -> None:
    vendor, halt = a_vendor(), pulled(HALT)
    vendor.key["blocked"] = True
    async with at(vendor) as driver:
        await driver.apply(driver.plan(halt, after(halt)), "a")
        await driver.revert(driver.plan(halt, after(of=halt)), "b")
    assert vendor.key["blocked"] is True


async def test_a_limit_that_was_tighter_before_is_not_widened() -> None:
    vendor, rate = a_vendor(), pulled(RATE, 30)
    vendor.key["rpm_limit"] = 10
    async with at(vendor) as driver:
        await driver.apply(driver.plan(rate, after(rate)), "a")
        assert vendor.key["rpm_limit"] == 10
        assert (await driver.read_back(rate, after(rate))).confirmed


async def test_the_tighter_of_two_limits_holds_and_the_other_is_left() -> None:
    vendor = a_vendor()
    loose, tight = pulled(TURNS, 20, id_="loose"), pulled(TURNS, 5, id_="tight")

    def turns() -> Any:
        return vendor.key["metadata"].get("max_iterations")

    async with at(vendor) as driver:
        await driver.apply(driver.plan(tight, after(tight)), "a")
        await driver.apply(driver.plan(loose, after(loose, tight)), "b")
        assert turns() == 5
        await driver.revert(driver.plan(tight, after(loose)), "c")
        assert turns() == 20
        await driver.revert(driver.plan(loose, after(of=loose)), "d")
        assert turns() is None


async def test_what_somebody_else_set_meanwhile_stays_and_is_said() -> None:
    vendor, rate = a_vendor(), pulled(RATE, 30)
    async with at(vendor) as driver:
        await driver.apply(driver.plan(rate, after(rate)), "a")
        vendor.key["rpm_limit"] = 12
        receipt = await driver.revert(driver.plan(rate, after(of=rate)), "b")
    assert receipt.detail == "rpm_limit on key 9f86d081… was set to 12 by somebody else meanwhile and stays so"
    assert vendor.key["rpm_limit"] == 12


async def test_the_plan_says_whom_it_binds() -> None:
    async with at(a_vendor(), {"model-pin": PINS["deployment"]}) as driver:
        pin = pulled(PIN, "small")
        assert driver.plan(pin, after(pin)).words == (
            "LiteLLM: set model small on deployment d1",
            "Everybody who uses the deployment is bound, not this agent only",
        )
        with pytest.raises(Unsupported, match="not tenants"):
            driver.plan(pulled(PIN, "small", tenant="acme"), after(pin))


async def test_an_unknown_key_or_deployment_is_refused() -> None:
    halt = pulled(HALT)
    async with at(a_vendor(), {"halt": {"key": HASH.replace("9", "8")}}) as driver:
        with pytest.raises(Refused, match="HTTP 404: Key not found"):
            await driver.apply(driver.plan(halt, after(halt)), "a")
    async with at(a_vendor(), {"halt": {"deployments": "nope"}}) as driver:
        with pytest.raises(Refused, match="has no deployment nope"):
            await driver.apply(driver.plan(halt, after(halt)), "a")


@pytest.mark.parametrize(
    ("kind", "options", "said"),
    [
        (HALT, {"key": "sk-not-a-secret"}, "the key's hash"),
        (HALT, {}, "needs key"),
        (PIN, KEY, "needs models"),
        (PIN, {"pin": "fallback", "models": "big", **KEY}, "needs deployments"),
        (PIN, {"pin": "magic"}, "'magic'"),
        (MitigationKind.DRAIN, KEY, "does not do drain"),
    ],
)
def test_a_wiring_that_cannot_work_is_named(kind: MitigationKind, options: Mapping[str, str], said: str) -> None:
    assert said in litellm.DRIVER.mistake(kind, options)
