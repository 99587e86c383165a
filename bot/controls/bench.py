"""A driver on the bench: the vendor that can be made to misbehave, and a mitigation to carry out.

For :mod:`bot.controls.conformance`; nothing that runs in production imports it.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from bot.controls.between import Between, Mood, between
from bot.controls.entry import Entry, Given, Options
from bot.incident.composition import Controls, compose
from bot.incident.driving import Plan
from bot.incident.errors import FirstfiveError
from bot.incident.kinds import MitigationKind, Value
from bot.incident.mitigation import Mitigation, OnExpiry, Scope
from bot.incident.model import Agent, Catalogue, IncidentKey, Person, Wiring
from bot.ports import Clock, Driver

SETTLED_WITHIN, LOOKS = 2.0, 8  # seconds, and looks in that time
SECOND_PERSON = Person("U0CONFORM", "Conny Form")
_NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
_ON: Value = True
_ids = count(1)


class Broken(AssertionError):
    """A promise that is not kept; the sentence says how."""


@dataclass(frozen=True, slots=True)
class Subject:
    """A driver under test.

    ``open`` makes the driver for a vendor's address, ``vendor`` is the address of the real one or of a stand-in,
    ``mitigation`` one that it can carry out there. ``secrets`` must never show. Where the vendor has no field for
    the actor, or no way to be asked what is in force, say so.
    """

    open: Callable[[str], Driver]
    vendor: str
    mitigation: Mitigation
    secrets: tuple[str, ...] = ()
    passes_actor: bool = True
    reads_back: bool = True


@dataclass(frozen=True, slots=True)
class Bench:
    """The driver, what stands between it and the vendor, and a mitigation of this promise's own."""

    driver: Driver
    vendor: Between
    mitigation: Mitigation

    def another(self) -> "Bench":
        """The same with a mitigation that nobody has seen yet."""
        return replace(self, mitigation=replace(self.mitigation, id=f"conformance-{next(_ids)}"))

    @property
    def on(self) -> Controls:
        """What the agent must obey with the mitigation."""
        return compose(self.mitigation.agent, self.mitigation.scope, (self.mitigation,), 1)

    @property
    def off(self) -> Controls:
        """What it must obey without."""
        return compose(self.mitigation.agent, self.mitigation.scope, (), 2)

    def plan(self, *, lifts: bool = False) -> Plan:
        """The plan to apply it, or to lift it for somebody else than who applied it."""
        plan = self.driver.plan(self.mitigation, self.off if lifts else self.on)
        return replace(plan, asked_by=SECOND_PERSON) if lifts else plan

    @property
    def idem(self) -> str:
        """The idempotency key of applying it."""
        return f"apply:{self.mitigation.id}"

    async def apply(self) -> None:
        """Apply it."""
        await self.driver.apply(self.plan(), self.idem)

    async def revert(self) -> None:
        """Lift it."""
        await self.driver.revert(self.plan(lifts=True), f"revert:{self.mitigation.id}")

    async def reads(self, after: Controls) -> bool:
        """Whether the vendor is confirmed to stand as ``after`` says."""
        return (await self.driver.read_back(self.mitigation, after)).confirmed

    async def settles(self, after: Controls, *, confirmed: bool) -> bool:
        """Whether reading back comes to that within two seconds: many vendors answer agents from a copy."""
        for _ in range(LOOKS):
            if await self.reads(after) is confirmed:
                return True
            await asyncio.sleep(SETTLED_WITHIN / LOOKS)
        return False


@asynccontextmanager
async def on_bench(subject: Subject) -> AsyncIterator[Bench]:
    """The driver and its vendor for one promise; nothing is in force afterwards."""
    async with between(subject.vendor) as (vendor, url):
        driver = subject.open(url)
        bench = Bench(driver, vendor, replace(subject.mitigation, id=f"conformance-{next(_ids)}"))
        try:
            yield bench
        finally:
            vendor.mood = Mood.WELL
            with suppress(FirstfiveError):
                await bench.revert()
            await driver.close()


def must(condition: object, sentence: str) -> None:
    """Raise Broken with that sentence unless it is so."""
    if not condition:
        raise Broken(sentence)


def an_agent(entry: Entry, wiring: Mapping[str, Options]) -> Agent:
    """An agent whose kinds are carried out by that driver, with these options; they are checked first."""
    for kind, options in wiring.items():
        mistake = entry.mistake(MitigationKind(kind), options)
        must(not mistake, mistake)
    return Agent("conformance-agent", controls={kind: Wiring(entry.name, one) for kind, one in wiring.items()})


def given_for(agent: Agent, settings: Mapping[str, str], clock: Clock | None = None) -> Given:
    """What a driver is opened with to serve that agent; without a clock it is always the same noon."""
    return Given(Catalogue((agent,)), settings, clock or _Noon())


def halted(agent: Agent, kind: MitigationKind = MitigationKind.HALT, value: Value = _ON) -> Mitigation:
    """A mitigation of the agent, everywhere, for an hour; a halt unless you say otherwise."""
    until, by = _NOON + timedelta(hours=1), Person("U0APPLY", "Apo Ply")
    incident = IncidentKey("INC-7")
    return Mitigation(
        "conformance", kind, agent.name, Scope(), value, "conformance", incident, by, _NOON, until, OnExpiry.REVERT
    )


class _Noon(Clock):
    """A clock that stands still."""

    def now(self) -> datetime:
        return _NOON
