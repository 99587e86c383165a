"""Prompts pinned by Langfuse's labels, against its own OpenAPI file on a stand-in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from bot.controls import langfuse_prompts as langfuse
from bot.controls.conformance import PROMISES, Promise, Subject
from bot.incident.errors import Refused, Unsupported
from bot.incident.kinds import MitigationKind
from bot.ports import Driver
from tests.controls.at_work import after, opened, pulled
from tests.controls.little_langfuse import PUBLIC, SECRET, LittleLangfuse

PIN = MitigationKind.PROMPT_PIN
WIRING = {"prompt-pin": {"prompt": "helpdesk/system", "label.staging": "staging"}}


def driver_at(url: str) -> langfuse.LangfusePrompts:
    settings = {langfuse.URL: url, langfuse.PUBLIC_KEY: PUBLIC, langfuse.SECRET_KEY: SECRET}
    driver = opened(langfuse.DRIVER, WIRING, settings)
    assert isinstance(driver, langfuse.LangfusePrompts)
    driver._vendor.within = 2.0
    return driver


@asynccontextmanager
async def at(vendor: LittleLangfuse) -> AsyncIterator[Driver]:
    async with vendor.serving() as url:
        driver = driver_at(url)
        yield driver
        await driver.close()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_it_keeps_every_promise(promise: Promise) -> None:
    async with LittleLangfuse(labels={"production": 7}).serving() as url:
        await promise(Subject(driver_at, url, pulled(PIN, "5"), (SECRET,), passes_actor=False))


async def test_the_label_moves_there_and_back() -> None:
    vendor, pin = LittleLangfuse(labels={"production": 7, "staging": 8}), pulled(PIN, "v5")
    async with at(vendor) as driver:
        plan = driver.plan(pin, after(pin))
        assert plan.words == ("Langfuse: move the label production of helpdesk/system to version v5", langfuse.LATER)
        await driver.apply(plan, "a")
        assert vendor.labels["production"] == 5
        await driver.revert(driver.plan(pin, after(of=pin)), "b")
    assert (vendor.labels["production"], vendor.labels["staging"]) == (7, 8)


async def test_what_somebody_else_moved_meanwhile_is_left_and_said() -> None:
    vendor, pin = LittleLangfuse(labels={"production": 7}), pulled(PIN, "5")
    async with at(vendor) as driver:
        await driver.apply(driver.plan(pin, after(pin)), "a")
        vendor.labels["production"] = 9
        receipt = await driver.revert(driver.plan(pin, after(of=pin)), "b")
        assert (await driver.read_back(pin, after(of=pin))).confirmed
    assert (
        receipt.detail == "production of helpdesk/system is on version 9, where somebody else put it, and stays there"
    )
    assert vendor.labels["production"] == 9


async def test_one_pin_after_another_goes_back_to_where_it_all_began() -> None:
    vendor = LittleLangfuse(labels={"production": 7})
    first, second = pulled(PIN, "5", id_="first"), pulled(PIN, "3", id_="second")
    async with at(vendor) as driver:
        await driver.apply(driver.plan(first, after(first)), "a")
        await driver.apply(driver.plan(second, after(second)), "b")
        assert vendor.labels["production"] == 3
        await driver.revert(driver.plan(second, after(of=second)), "c")
    assert vendor.labels["production"] == 7


async def test_an_unknown_version_or_a_protected_label_is_refused() -> None:
    pin = pulled(PIN, "99")
    async with at(LittleLangfuse(labels={})) as driver:
        with pytest.raises(Refused, match="HTTP 404: Prompt not found"):
            await driver.apply(driver.plan(pin, after(pin)), "a")
    async with at(LittleLangfuse(labels={}, protected=True)) as driver:
        with pytest.raises(Refused, match=r"does not allow it .*protected labels"):
            await driver.apply(driver.plan(pin, after(pin)), "a")


async def test_what_is_no_version_and_what_labels_cannot_tell_apart_is_unsupported() -> None:
    async with at(LittleLangfuse()) as driver:
        for pin, said in ((pulled(PIN, "blue"), "is no number"), (pulled(PIN, "5", tenant="acme"), "no tenants")):
            with pytest.raises(Unsupported, match=said):
                driver.plan(pin, after(pin))


def test_a_label_that_langfuse_moves_itself_is_named() -> None:
    assert "not latest" in langfuse.DRIVER.mistake(PIN, {"label": "latest"})
    assert "characters at most" in langfuse.DRIVER.mistake(PIN, {"label.staging": "a-label-that-is-much-too-long"})
