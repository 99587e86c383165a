"""The signed webhook, against the receiver that docs/write-a-driver.md shows."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from bot.controls import webhook, webhook_signing
from bot.controls.conformance import PROMISES, Promise, Subject
from bot.incident.errors import Misconfigured, Refused, Uncertain
from bot.incident.kinds import MitigationKind, Value
from bot.ports import Driver
from tests.controls.at_work import NOW, after, given, pulled
from tests.controls.examples import installed
from tests.controls.stand_ins import Declined, StandIn, Told
from tests.web.serving import serving

HALT, TURNS = MitigationKind.HALT, MitigationKind.TURN_LIMIT
KEY = b"0123456789abcdef-not-a-secret"
SECRET = f"whsec_{base64.b64encode(KEY).decode()}"


def driver_at(url: str, secrets: str = SECRET, **options: str) -> webhook.Webhook:
    wiring = {kind.value: {"url": url, "state_url": url, **options} for kind in MitigationKind}
    assert not webhook.DRIVER.mistake(HALT, wiring["halt"])
    driver = webhook.open_driver(given(wiring, {webhook_signing.SECRETS: secrets}, "webhook"))
    driver._vendor.within = 2.0
    driver._vendor.read_within = 2.0
    return driver


@pytest.fixture
def receiver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    with installed(tmp_path, "receiver.py") as (module,):
        monkeypatch.setattr(module.time, "time", NOW.timestamp)
        yield module


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
@pytest.mark.parametrize(
    ("kind", "value"),
    [(HALT, True), (MitigationKind.DISABLE_TOOLS, ("refund",))],
)
async def test_it_keeps_every_promise(promise: Promise, kind: MitigationKind, value: Value, receiver: Any) -> None:
    async with serving(receiver.app) as url:
        at = lambda base: driver_at(f"{base}/controls")  # noqa: E731
        await promise(Subject(at, url, pulled(kind, value), (SECRET, SECRET.removeprefix("whsec_"))))


@dataclass
class Receiver(StandIn):
    """Answers as told, one answer after another; the last one stays."""

    answers: list[tuple[int, object]] = field(default_factory=lambda: [(200, {"applied": True, "state": True})])

    def answer(self, told: Told) -> tuple[int, object]:
        del told
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if status >= 400:
            raise Declined(status, body)
        return status, body


@asynccontextmanager
async def at(vendor: Receiver, secrets: str = SECRET, **options: str) -> AsyncIterator[Driver]:
    async with vendor.serving() as url:
        driver = driver_at(f"{url}/controls", secrets, **options)
        yield driver
        await driver.close()


async def test_the_message_says_what_must_be_in_force_and_is_signed() -> None:
    vendor = Receiver()
    loose, tight = pulled(TURNS, 20, id_="loose"), pulled(TURNS, 5, id_="tight")
    async with at(vendor) as driver:
        plan = driver.plan(loose, after(loose, tight))
        assert plan.words[0].endswith("that Turn limit 20 is in force")
        await driver.apply(plan, "apply:loose:1")
    told = vendor.told[0]
    assert told.headers["idempotency-key"] == "apply:loose:1"
    message_id, stamp = told.headers["webhook-id"], told.headers["webhook-timestamp"]
    assert stamp == str(int(NOW.timestamp()))
    assert told.headers["webhook-signature"] == webhook_signing.signature(KEY, message_id, int(stamp), told.raw)
    data = told.body["data"]
    assert (told.body["type"], data["value"], data["in_force"]) == ("mitigation.apply", 20, 5)
    assert data["actor"] == {"id": "U0ANA", "name": "Ana Reyes"}


def test_the_signature_is_the_one_of_the_specification() -> None:
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    body = b'{"test": 2432232314}'
    made = webhook_signing.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_what_was_not_taken_is_sent_again_with_the_same_key() -> None:
    vendor = Receiver(answers=[(409, {}), (409, {}), (200, {"applied": True, "state": True, "revision": 7})])
    halt = pulled(HALT)
    async with at(vendor) as driver:
        receipt = await driver.apply(driver.plan(halt, after(halt)), "once")
    assert receipt.requests == ("revision 7",)
    assert [told.headers["idempotency-key"] for told in vendor.told] == ["once"] * 3
    assert len({told.headers["webhook-id"] for told in vendor.told}) == 1


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (
            (200, {"applied": False, "state": "locked by change freeze"}),
            Refused,
            "did not apply it: locked by change freeze",
        ),
        ((200, {"ok": True}), Uncertain, "without saying whether it is applied"),
        ((422, {"message": "no such agent"}), Refused, "declines .HTTP 422: no such agent"),
        ((500, {"message": "boom"}), Uncertain, "failed .HTTP 500: boom"),
        ((409, {}), Uncertain, "still working on this request"),
    ],
)
async def test_what_the_receiver_answers_becomes_a_sentence(
    answer: tuple[int, object], error: type[Exception], said: str
) -> None:
    halt = pulled(HALT)
    async with at(Receiver(answers=[answer])) as driver:
        with pytest.raises(error, match=said):
            await driver.apply(driver.plan(halt, after(halt)), "a")


async def test_a_promise_for_later_is_no_confirmation() -> None:
    halt = pulled(HALT)
    async with at(Receiver(answers=[(202, {"applied": False, "state": "queued"})])) as driver:
        receipt = await driver.apply(driver.plan(halt, after(halt)), "a")
        assert receipt.detail == "the webhook has accepted it and puts it in force later"
        assert not (await driver.read_back(halt, after(halt))).confirmed


async def test_without_a_state_address_nothing_is_confirmed() -> None:
    halt = pulled(HALT)
    async with at(Receiver(), state_url="") as driver:
        found = await driver.read_back(halt, after(halt))
    assert found.detail == "the webhook has no state_url to be asked at; traces have to show it"


async def test_an_old_request_that_is_sent_again_is_turned_away(receiver: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    halt = pulled(HALT)
    async with serving(receiver.app) as url:
        driver = driver_at(f"{url}/controls")
        monkeypatch.setattr(receiver.time, "time", lambda: NOW.timestamp() + 301)
        with pytest.raises(Refused, match="refuses the credentials"):
            await driver.apply(driver.plan(halt, after(halt)), "a")
        await driver.close()


async def test_a_secret_of_its_own_signs_and_two_sign_side_by_side() -> None:
    other = base64.b64encode(b"another-not-a-secret-key").decode()
    vendor, halt = Receiver(), pulled(HALT)
    async with at(vendor, f"{SECRET},ops=whsec_{other}\nops={SECRET}", secret="ops") as driver:
        await driver.apply(driver.plan(halt, after(halt)), "a")
        assert len(vendor.told[0].headers["webhook-signature"].split()) == 2
    async with at(vendor, secret="nobody") as driver:
        with pytest.raises(Refused, match="no secret named 'nobody'"):
            await driver.apply(driver.plan(halt, after(halt)), "a")


@pytest.mark.parametrize("text", ["whsec_???", "plain", "ops=", "whsec_"])
def test_a_secret_that_is_none_is_named_by_its_place_only(text: str) -> None:
    with pytest.raises(Misconfigured, match="entry 2 is no secret") as failure:
        webhook_signing.secrets_in(f"{SECRET}, {text}")
    assert SECRET not in str(failure.value)


def test_a_wiring_without_an_address_is_named() -> None:
    assert webhook.DRIVER.mistake(HALT, {}) == "webhook needs url: where it is sent."
    assert "starts with https://" in webhook.DRIVER.mistake(HALT, {"url": "ops.example.com/x"})


async def test_two_at_once_are_one(receiver: Any) -> None:
    halt = pulled(HALT)
    async with serving(receiver.app) as url:
        driver = driver_at(f"{url}/controls")
        plan = driver.plan(halt, after(halt))
        await asyncio.gather(*(driver.apply(plan, "same") for _ in range(3)))
        assert len(receiver.done) == 1
        assert json.loads(json.dumps(receiver.done["same"]))["revision"] == 1
        await driver.close()
