"""What every driver promises, as checks that a team runs against its own.

A test of yours is a few lines; docs/write-a-driver.md has the whole of it::

    @pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
    async def test_our_driver_keeps_its_promises(promise: Promise) -> None:
        await promise(Subject(open=our_driver_at, vendor="http://127.0.0.1:9999", mitigation=a_halt))

Each promise begins and ends with nothing in force, so that they run against a real server as well.
"""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import count

from bot.controls.between import RETRY_AFTER, Between, Mood, between
from bot.controls.entry import Entry, Given, Options
from bot.incident.composition import Controls, compose
from bot.incident.driving import Plan
from bot.incident.errors import FirstfiveError, Refused, Unavailable, Uncertain, Unsupported
from bot.incident.kinds import LEVERS, MitigationKind, Value
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


Promise = Callable[[Subject], Awaitable[None]]


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
async def _bench(subject: Subject) -> AsyncIterator[Bench]:
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


def _must(condition: object, sentence: str) -> None:
    if not condition:
        raise Broken(sentence)


async def plan_is_pure(subject: Subject) -> None:
    """Planning asks nobody, says in words what will be written, and says the same again."""
    async with _bench(subject) as bench:
        first, second = bench.plan(), bench.plan()
        _must(not bench.vendor.asked, "plan() asked the vendor; it may only compute.")
        _must(first == second, "plan() gave two different plans for the same mitigation.")
        _must(first.words and all(first.words), "plan() says nothing; a responder reads its words before the click.")
        _must(bench.plan(lifts=True).words, "plan() says nothing about lifting.")


async def what_it_cannot_do_is_unsupported(subject: Subject) -> None:
    """Every kind is either planned or refused as Unsupported, with a sentence."""
    async with _bench(subject) as bench:
        for kind in MitigationKind:
            other = replace(bench.mitigation, kind=kind, value=_value(kind))
            after = compose(other.agent, other.scope, (other,), 1)
            try:
                bench.driver.plan(other, after)
            except Unsupported as error:
                _must(str(error).endswith("."), f"{kind.value} is refused without a sentence.")


async def apply_is_in_force_and_revert_lifts_it(subject: Subject) -> None:
    """Reading back is true: not before, in force after applying, not any more after reverting."""
    async with _bench(subject) as bench:
        _must(not await bench.reads(bench.on), "read_back() confirms a mitigation that was never applied.")
        await bench.apply()
        if subject.reads_back:
            _must(await bench.settles(bench.on, confirmed=True), "read_back() does not confirm what apply() wrote.")
            _must(
                await bench.settles(bench.off, confirmed=False),
                "read_back() calls a mitigation lifted that is in force.",
            )
        await bench.revert()
        _must(await bench.settles(bench.on, confirmed=False), "read_back() confirms a mitigation that was reverted.")
        if subject.reads_back:
            _must(await bench.settles(bench.off, confirmed=True), "read_back() does not confirm that it is lifted.")


async def twice_is_once(subject: Subject) -> None:
    """Applying and reverting with the same key again changes nothing more."""
    async with _bench(subject) as bench:
        await bench.apply()
        await bench.apply()
        await bench.revert()
        _must(
            await bench.settles(bench.on, confirmed=False),
            "What was applied twice with one key is still in force after one revert().",
        )
        await bench.revert()
        if subject.reads_back:
            _must(await bench.settles(bench.off, confirmed=True), "A second revert() broke what the first one left.")


async def others_stay_in_force(subject: Subject) -> None:
    """Lifting one of two mitigations leaves the other in force."""
    async with _bench(subject) as bench:
        other = bench.another()
        both = compose(other.mitigation.agent, other.mitigation.scope, (bench.mitigation, other.mitigation), 2)
        try:
            await bench.apply()
            await bench.driver.apply(bench.driver.plan(other.mitigation, both), other.idem)
            await bench.driver.revert(bench.driver.plan(bench.mitigation, other.on), f"revert:{bench.mitigation.id}")
            if subject.reads_back:
                _must(
                    await other.settles(other.on, confirmed=True), "Lifting one mitigation lifted another one with it."
                )
        finally:
            await other.revert()
        _must(await other.settles(other.on, confirmed=False), "The last of two mitigations cannot be lifted.")


async def a_silent_vendor_is_found_out(subject: Subject) -> None:
    """A vendor that says yes and does nothing is found out by reading back."""
    async with _bench(subject) as bench:
        first, second = bench.another(), bench.another()
        await first.apply()  # so that the vendor's answers are known
        await first.revert()
        _must(
            await second.settles(second.on, confirmed=False),
            "read_back() confirms a mitigation that was never applied.",
        )
        bench.vendor.mood = Mood.SILENT
        with suppress(FirstfiveError):
            await second.apply()
        _must(not await second.reads(second.on), "read_back() confirms what a silent vendor never did.")
        bench.vendor.mood = Mood.WELL
        await bench.apply()
        await bench.settles(bench.on, confirmed=subject.reads_back)
        bench.vendor.mood = Mood.SILENT
        with suppress(FirstfiveError):
            await bench.revert()
        _must(not await bench.reads(bench.off), "read_back() calls lifted what a silent vendor never lifted.")
        bench.vendor.mood = Mood.WELL
        await bench.driver.revert(bench.plan(lifts=True), f"again:{bench.mitigation.id}")


async def an_answer_too_late_is_uncertain(subject: Subject) -> None:
    """A write without an answer is Uncertain, and the same key again finishes it."""
    async with _bench(subject) as bench:
        bench.vendor.mood = Mood.LATE
        try:
            await bench.apply()
        except Uncertain as error:
            _sentence(error)
        else:
            raise Broken("A time-out after sending must raise Uncertain: the write may have happened.")
        bench.vendor.mood = Mood.WELL
        await bench.apply()
        if subject.reads_back:
            _must(
                await bench.settles(bench.on, confirmed=True),
                "After an uncertain write the same key again does not finish it.",
            )
        await bench.revert()
        _must(await bench.settles(bench.on, confirmed=False), "What was uncertain and then applied cannot be lifted.")


async def errors_are_translated(subject: Subject) -> None:
    """Whatever the vendor answers becomes one clear sentence of ours, with the time to come again where it says one."""
    async with _bench(subject) as bench:
        for mood in (Mood.WEB_PAGE, Mood.BUSY, Mood.DENYING):
            bench.vendor.mood = mood
            error = await _failure(bench)
            _must(error, f"A vendor that {mood.value} goes unnoticed.")
            if mood is Mood.BUSY:
                wait = error.retry_after.total_seconds() if isinstance(error, Unavailable) else None
                _must(wait == RETRY_AFTER, f"Retry-After: {RETRY_AFTER} must become Unavailable with retry_after.")
            if mood is Mood.DENYING:
                _must(
                    isinstance(error, Refused),
                    "Credentials that are not taken must be Refused: trying again is no use.",
                )
            _must(not await bench.reads(bench.on), f"read_back() confirms although the vendor {mood.value}.")
    nowhere = subject.open(f"http://127.0.0.1:{_free_port()}")
    mitigation = subject.mitigation
    after = compose(mitigation.agent, mitigation.scope, (mitigation,), 1)
    try:
        await nowhere.apply(nowhere.plan(mitigation, after), "nowhere")
    except Unavailable as error:
        _sentence(error)
    else:
        raise Broken("A vendor that cannot be reached must raise Unavailable: nothing was written.")
    finally:
        found = await nowhere.read_back(mitigation, after)
        await nowhere.close()
    _must(not found.confirmed and found.detail, "A vendor that cannot be asked must not be confirmed, with a reason.")


async def no_secret_shows(subject: Subject) -> None:
    """No secret stands in a message, a plan, a receipt, the driver's own repr, or a log line of any level."""
    kept = _Kept()
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    try:
        async with _bench(subject) as bench:
            shown = [repr(bench.driver), repr(bench.plan())]
            shown.append(repr(await bench.driver.apply(bench.plan(), bench.idem)))
            shown.append(repr(await bench.driver.read_back(bench.mitigation, bench.on)))
            for mood in (Mood.DENYING, Mood.WEB_PAGE, Mood.BUSY):
                bench.vendor.mood = mood
                error: BaseException | None = await _failure(bench)
                shown.append(repr(await bench.driver.read_back(bench.mitigation, bench.on)))
                while error is not None:
                    shown.append(f"{error} {error!r}")
                    error = error.__cause__
    finally:
        root.removeHandler(kept)
        root.setLevel(level)
    for secret in subject.secrets:
        _must(not any(secret in text for text in (*shown, *kept.lines)), "A secret shows in a message or a log line.")


async def the_actor_is_passed_on(subject: Subject) -> None:
    """Who applied it and who lifted it stand in what the vendor is told, where it has a field for that."""
    if not subject.passes_actor:
        return
    async with _bench(subject) as bench:
        await bench.apply()
        by = bench.mitigation.applied_by.name
        _must(
            any(one.says(by) for one in bench.vendor.asked if one.writes), "apply() does not pass on who asked for it."
        )
        _must(any(one.says(bench.mitigation.incident) for one in bench.vendor.asked if one.writes), "Nor the incident.")
        bench.vendor.asked.clear()
        await bench.revert()
        passed = any(one.says(SECOND_PERSON.name) for one in bench.vendor.asked if one.writes)
        _must(passed or not _has_words(bench), "revert() does not pass on who asked for it.")


def an_agent(entry: Entry, wiring: Mapping[str, Options]) -> Agent:
    """An agent whose kinds are carried out by that driver, with these options; they are checked first."""
    for kind, options in wiring.items():
        mistake = entry.mistake(MitigationKind(kind), options)
        _must(not mistake, mistake)
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


PROMISES: tuple[Promise, ...] = (
    plan_is_pure,
    what_it_cannot_do_is_unsupported,
    apply_is_in_force_and_revert_lifts_it,
    twice_is_once,
    others_stay_in_force,
    a_silent_vendor_is_found_out,
    an_answer_too_late_is_uncertain,
    errors_are_translated,
    no_secret_shows,
    the_actor_is_passed_on,
)


class _Noon(Clock):
    """A clock that stands still."""

    def now(self) -> datetime:
        return _NOON


class _Kept(logging.Handler):
    """Every log line while it listens."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage() + str(record.exc_info or ""))


def _has_words(bench: Bench) -> bool:
    """Lifting sends something that could carry a name; removing by a bare address does not."""
    return any(one.body for one in bench.vendor.asked if one.writes)


async def _failure(bench: Bench) -> FirstfiveError | None:
    try:
        await bench.apply()
    except FirstfiveError as error:
        _sentence(error)
        return error
    return None


def _sentence(error: FirstfiveError) -> None:
    said = str(error)
    clear = said.endswith(".") and "\n" not in said and "<" not in said and said[:1].isupper()
    _must(clear, f"An error must be one clear sentence for people, and is {said!r}.")


def _value(kind: MitigationKind) -> Value:
    lever = LEVERS[kind]
    if lever.is_switch:
        return True
    if lever.is_number:
        return type(lever.at_rest)(lever.least)  # type: ignore[arg-type]  # a number's own type
    return ("search_kb",) if isinstance(lever.at_rest, tuple) else "new" if kind is MitigationKind.HANDOFF else "5"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
