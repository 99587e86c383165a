"""What every driver promises, as checks that a team runs against its own.

A test of yours is a few lines; docs/write-a-driver.md has the whole of it::

    @pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
    async def test_our_driver_keeps_its_promises(promise: Promise) -> None:
        await promise(Subject(open=our_driver_at, vendor="http://127.0.0.1:9999", mitigation=a_halt))

Each promise begins and ends with nothing in force, so that they run against a real server as well.
"""

import logging
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace

from bot.controls.bench import SECOND_PERSON, Bench, Broken, Subject, an_agent, given_for, halted, must, on_bench
from bot.controls.between import RETRY_AFTER, Mood
from bot.incident.composition import compose
from bot.incident.errors import FirstfiveError, Refused, Unavailable, Uncertain, Unsupported
from bot.incident.kinds import LEVERS, MitigationKind, Value

__all__ = ["PROMISES", "Broken", "Promise", "Subject", "an_agent", "given_for", "halted"]

Promise = Callable[[Subject], Awaitable[None]]


async def plan_is_pure(subject: Subject) -> None:
    """Planning asks nobody, says in words what will be written, and says the same again."""
    async with on_bench(subject) as bench:
        first, second = bench.plan(), bench.plan()
        must(not bench.vendor.asked, "plan() asked the vendor; it may only compute.")
        must(first == second, "plan() gave two different plans for the same mitigation.")
        must(first.words and all(first.words), "plan() says nothing; a responder reads its words before the click.")
        must(bench.plan(lifts=True).words, "plan() says nothing about lifting.")


async def what_it_cannot_do_is_unsupported(subject: Subject) -> None:
    """Every kind is either planned or refused as Unsupported, with a sentence."""
    async with on_bench(subject) as bench:
        for kind in MitigationKind:
            other = replace(bench.mitigation, kind=kind, value=_value(kind))
            after = compose(other.agent, other.scope, (other,), 1)
            try:
                bench.driver.plan(other, after)
            except Unsupported as error:
                must(str(error).endswith("."), f"{kind.value} is refused without a sentence.")


async def apply_is_in_force_and_revert_lifts_it(subject: Subject) -> None:
    """Reading back is true: not before, in force after applying, not any more after reverting."""
    async with on_bench(subject) as bench:
        must(not await bench.reads(bench.on), "read_back() confirms a mitigation that was never applied.")
        await bench.apply()
        if subject.reads_back:
            must(await bench.settles(bench.on, confirmed=True), "read_back() does not confirm what apply() wrote.")
            must(
                await bench.settles(bench.off, confirmed=False),
                "read_back() calls a mitigation lifted that is in force.",
            )
        await bench.revert()
        must(await bench.settles(bench.on, confirmed=False), "read_back() confirms a mitigation that was reverted.")
        if subject.reads_back:
            must(await bench.settles(bench.off, confirmed=True), "read_back() does not confirm that it is lifted.")
            found = await bench.driver.read_back(bench.mitigation, bench.on)
            must(found.differs, "read_back() must say that it differs where the vendor answers something else.")


async def twice_is_once(subject: Subject) -> None:
    """Applying and reverting with the same key again changes nothing more."""
    async with on_bench(subject) as bench:
        await bench.apply()
        await bench.apply()
        await bench.revert()
        must(
            await bench.settles(bench.on, confirmed=False),
            "What was applied twice with one key is still in force after one revert().",
        )
        await bench.revert()
        if subject.reads_back:
            must(await bench.settles(bench.off, confirmed=True), "A second revert() broke what the first one left.")


async def others_stay_in_force(subject: Subject) -> None:
    """Lifting one of two mitigations leaves the other in force."""
    async with on_bench(subject) as bench:
        other = bench.another()
        both = compose(other.mitigation.agent, other.mitigation.scope, (bench.mitigation, other.mitigation), 2)
        try:
            await bench.apply()
            await bench.driver.apply(bench.driver.plan(other.mitigation, both), other.idem)
            await bench.driver.revert(bench.driver.plan(bench.mitigation, other.on), f"revert:{bench.mitigation.id}")
            if subject.reads_back:
                must(
                    await other.settles(other.on, confirmed=True), "Lifting one mitigation lifted another one with it."
                )
        finally:
            await other.revert()
        must(await other.settles(other.on, confirmed=False), "The last of two mitigations cannot be lifted.")


async def a_silent_vendor_is_found_out(subject: Subject) -> None:
    """A vendor that says yes and does nothing is found out by reading back."""
    async with on_bench(subject) as bench:
        first, second = bench.another(), bench.another()
        await first.apply()  # so that the vendor's answers are known
        await first.revert()
        must(
            await second.settles(second.on, confirmed=False),
            "read_back() confirms a mitigation that was never applied.",
        )
        bench.vendor.mood = Mood.SILENT
        with suppress(FirstfiveError):
            await second.apply()
        must(not await second.reads(second.on), "read_back() confirms what a silent vendor never did.")
        bench.vendor.mood = Mood.WELL
        await bench.apply()
        await bench.settles(bench.on, confirmed=subject.reads_back)
        bench.vendor.mood = Mood.SILENT
        with suppress(FirstfiveError):
            await bench.revert()
        must(not await bench.reads(bench.off), "read_back() calls lifted what a silent vendor never lifted.")
        bench.vendor.mood = Mood.WELL
        await bench.driver.revert(bench.plan(lifts=True), f"again:{bench.mitigation.id}")


async def an_answer_too_late_is_uncertain(subject: Subject) -> None:
    """A write without an answer is Uncertain, and the same key again finishes it."""
    async with on_bench(subject) as bench:
        bench.vendor.mood = Mood.LATE
        try:
            await bench.apply()
            failure = None
        except FirstfiveError as error:
            failure = error
        must(isinstance(failure, Uncertain), "A time-out after sending must raise Uncertain: it may have happened.")
        _sentence(failure)
        bench.vendor.mood = Mood.WELL
        await bench.apply()
        if subject.reads_back:
            must(
                await bench.settles(bench.on, confirmed=True),
                "After an uncertain write the same key again does not finish it.",
            )
        await bench.revert()
        must(await bench.settles(bench.on, confirmed=False), "What was uncertain and then applied cannot be lifted.")


async def errors_are_translated(subject: Subject) -> None:
    """Whatever the vendor answers becomes one clear sentence of ours, with the time to come again where it says one."""
    async with on_bench(subject) as bench:
        for mood in (Mood.WEB_PAGE, Mood.BUSY, Mood.DENYING):
            bench.vendor.mood = mood
            error = await _failure(bench)
            must(error, f"A vendor that {mood.value} goes unnoticed.")
            if mood is Mood.BUSY:
                wait = error.retry_after.total_seconds() if isinstance(error, Unavailable) else None
                must(wait == RETRY_AFTER, f"Retry-After: {RETRY_AFTER} must become Unavailable with retry_after.")
            if mood is Mood.DENYING:
                must(
                    isinstance(error, Refused),
                    "Credentials that are not taken must be Refused: trying again is no use.",
                )
            found = await bench.driver.read_back(bench.mitigation, bench.on)
            must(not found.confirmed, f"read_back() confirms although the vendor {mood.value}.")
            must(not found.differs, f"read_back() says that it differs although the vendor {mood.value}.")
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
    must(not found.confirmed and found.detail, "A vendor that cannot be asked must not be confirmed, with a reason.")
    must(not found.differs, "A vendor that cannot be asked does not differ: nobody knows what it says.")


async def no_secret_shows(subject: Subject) -> None:
    """No secret stands in a message, a plan, a receipt, the driver's own repr, or a log line of any level."""
    kept = _Kept()
    root, level = logging.getLogger(), logging.getLogger().level
    root.addHandler(kept)
    root.setLevel(logging.DEBUG)
    try:
        async with on_bench(subject) as bench:
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
        must(not any(secret in text for text in (*shown, *kept.lines)), "A secret shows in a message or a log line.")


async def the_actor_is_passed_on(subject: Subject) -> None:
    """Who applied it and who lifted it stand in what the vendor is told, where it has a field for that."""
    if not subject.passes_actor:
        return
    async with on_bench(subject) as bench:
        await bench.apply()
        by = bench.mitigation.applied_by.name
        must(
            any(one.says(by) for one in bench.vendor.asked if one.writes), "apply() does not pass on who asked for it."
        )
        must(any(one.says(bench.mitigation.incident) for one in bench.vendor.asked if one.writes), "Nor the incident.")
        bench.vendor.asked.clear()
        await bench.revert()
        passed = any(one.says(SECOND_PERSON.name) for one in bench.vendor.asked if one.writes)
        must(passed or not _has_words(bench), "revert() does not pass on who asked for it.")


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


def _sentence(error: FirstfiveError | None) -> None:
    said = str(error or "")
    clear = said.endswith(".") and "\n" not in said and "<" not in said and said[:1].isupper()
    must(clear, f"An error must be one clear sentence for people, and is {said!r}.")


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
