"""The checks for drivers find out drivers that break their promises: each liar below breaks one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest

from bot.controls import bench, conformance, conformance_in_trouble
from bot.controls.conformance import Broken, Promise, Subject
from bot.incident.composition import Controls
from bot.incident.driving import Plan, Receipt
from bot.incident.errors import Refused, Unavailable, Uncertain, Unsupported
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import Mitigation
from bot.incident.proof import Delivery, ReadBack
from bot.ports import Driver
from tests.controls.at_work import pulled
from tests.controls.stand_ins import Declined, StandIn, Told

SECRET = "a-token-not-a-secret"


@dataclass
class Switch(StandIn):
    """Mitigations in force, by id."""

    on: set[str] = field(default_factory=set)

    def answer(self, told: Told) -> tuple[int, object]:
        if told.headers.get("authorization") != SECRET:
            raise Declined(401, {})
        if told.method == "PUT":
            self.on.add(told.parts[-1])
        if told.method == "DELETE":
            self.on.discard(told.parts[-1])
        return 200, {"on": told.parts[-1] in self.on}


@dataclass
class Honest(Driver):
    """A driver that keeps every promise, in as few lines as it takes."""

    url: str
    name: str = "honest"
    client: httpx.AsyncClient = field(init=False, repr=False)

    def __post_init__(self) -> None:
        headers = {"authorization": SECRET}
        self.client = httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=2.0)

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        if mitigation.kind is not MitigationKind.HALT:
            raise Unsupported("The switch can halt and nothing else.")
        return Plan(mitigation, after, ("The switch is set.",))

    async def apply(self, plan: Plan, idem: str) -> Receipt:
        del idem
        return await self.told("PUT", plan)

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        del idem
        return await self.told("DELETE", plan)

    async def told(self, method: str, plan: Plan) -> Receipt:
        headers = {"by": plan.by.name, "incident": plan.mitigation.incident}
        try:
            answer = await self.client.request(method, f"/{plan.mitigation.id}", headers=headers)
        except httpx.ConnectError as error:
            raise Unavailable("The switch cannot be reached.") from error
        except httpx.HTTPError as error:
            raise Uncertain("The switch did not answer.") from error
        if answer.status_code == 401:
            raise Refused("The switch refuses the token.")
        if answer.status_code == 429:
            raise Unavailable("The switch is busy.", timedelta(seconds=float(answer.headers["retry-after"])))
        if b"<" in answer.content:
            raise Uncertain("The switch answers a web page.")
        return Receipt("set")

    async def read_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        try:
            answer = await self.client.get(f"/{mitigation.id}")
            on = answer.json()["on"]
        except (httpx.HTTPError, ValueError, KeyError):
            return ReadBack(confirmed=False, detail="it does not answer")
        same = on is (mitigation.id in after.mitigations)
        return ReadBack(confirmed=same, detail=f"on is {on}", differs=not same)

    async def delivery(self, mitigation: Mitigation) -> Delivery:
        del mitigation
        return Delivery(0, 0)

    async def close(self) -> None:
        await self.client.aclose()


class Hasty(Honest):
    """Believes what it wrote."""

    async def read_back(self, mitigation: Mitigation, after: Controls) -> ReadBack:
        del mitigation, after
        return ReadBack(confirmed=True, detail="surely")


class Restless(Honest):
    """Never plans the same twice."""

    plans = 0

    def plan(self, mitigation: Mitigation, after: Controls) -> Plan:
        Restless.plans += 1
        return Plan(mitigation, after, (f"Plan {Restless.plans}.",))


class Stubborn(Honest):
    """Never lifts anything."""

    async def revert(self, plan: Plan, idem: str) -> Receipt:
        del plan, idem
        return Receipt("lifted")


class Sure(Honest):
    """Takes silence for a no."""

    async def told(self, method: str, plan: Plan) -> Receipt:
        try:
            return await super().told(method, plan)
        except Uncertain as error:
            raise Unavailable("Nothing was written.") from error


class Blunt(Honest):
    """Throws whatever comes at people."""

    async def told(self, method: str, plan: Plan) -> Receipt:
        try:
            return await super().told(method, plan)
        except Refused as error:
            raise Refused("401\n<html>") from error


class Talkative(Honest):
    """Repeats its token."""

    async def told(self, method: str, plan: Plan) -> Receipt:
        try:
            return await super().told(method, plan)
        except Refused as error:
            raise Refused(f"The switch refuses {SECRET}.") from error


class Anonymous(Honest):
    """Does not say who asked."""

    async def told(self, method: str, plan: Plan) -> Receipt:
        answer = await self.client.request(method, f"/{plan.mitigation.id}")
        return Receipt(str(answer.status_code))


class Sweeping(Honest):
    """Lifts everything when one is lifted."""

    seen: tuple[str, ...] = ()

    async def told(self, method: str, plan: Plan) -> Receipt:
        Sweeping.seen = (*Sweeping.seen, plan.mitigation.id)
        for one in Sweeping.seen if method == "DELETE" else ():
            await self.client.delete(f"/{one}")
        return await super().told(method, plan)


class Counting(Honest):
    """Needs as many lifts as there were pulls."""

    pulls: Mapping[str, int] = {}

    async def told(self, method: str, plan: Plan) -> Receipt:
        one = plan.mitigation.id
        Counting.pulls = {**Counting.pulls, one: Counting.pulls.get(one, 0) + (1 if method == "PUT" else -1)}
        if method == "DELETE" and Counting.pulls[one] > 0:
            return Receipt("one less")
        return await super().told(method, plan)


@pytest.mark.parametrize("promise", conformance.PROMISES, ids=lambda promise: promise.__name__)
async def test_an_honest_driver_passes(promise: Promise) -> None:
    async with Switch().serving() as url:
        await promise(Subject(Honest, url, pulled(MitigationKind.HALT), (SECRET,)))


@pytest.mark.parametrize(
    ("liar", "promise", "said"),
    [
        (Restless, conformance.plan_is_pure, "two different plans"),
        (Hasty, conformance.apply_is_in_force_and_revert_lifts_it, "never applied"),
        (Stubborn, conformance.apply_is_in_force_and_revert_lifts_it, "reverted"),
        (Counting, conformance.twice_is_once, "still in force after one"),
        (Sweeping, conformance.others_stay_in_force, "lifted another one with it"),
        (Hasty, conformance_in_trouble.a_silent_vendor_is_found_out, "never applied"),
        (Sure, conformance_in_trouble.an_answer_too_late_is_uncertain, "must raise Uncertain"),
        (Blunt, conformance_in_trouble.errors_are_translated, "one clear sentence"),
        (Talkative, conformance_in_trouble.no_secret_shows, "A secret shows"),
        (Anonymous, conformance.the_actor_is_passed_on, "does not pass on who"),
    ],
)
async def test_a_liar_is_found_out(liar: Any, promise: Promise, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "SETTLED_WITHIN", 0.1)
    async with Switch().serving() as url:
        with pytest.raises(Broken, match=said):
            await promise(Subject(liar, url, pulled(MitigationKind.HALT), (SECRET,)))
