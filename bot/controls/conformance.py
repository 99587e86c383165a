"""What every driver promises, as checks that a team runs against its own.

A test of yours is a few lines; docs/write-a-driver.md has the whole of it::

    @pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
    async def test_our_driver_keeps_its_promises(promise: Promise) -> None:
        await promise(Subject(open=our_driver_at, vendor="http://127.0.0.1:9999", mitigation=a_halt))

Each promise begins and ends with nothing in force, so that they run against a real server as well.
"""

from collections.abc import Awaitable, Callable
from dataclasses import replace

from bot.controls.bench import SECOND_PERSON, Bench, Broken, Subject, an_agent, given_for, halted, must, on_bench
from bot.controls.conformance_in_trouble import (
    a_silent_vendor_is_found_out,
    an_answer_too_late_is_uncertain,
    errors_are_translated,
    no_secret_shows,
)
from bot.incident.composition import compose
from bot.incident.errors import Unsupported
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


def _has_words(bench: Bench) -> bool:
    """Lifting sends something that could carry a name; removing by a bare address does not."""
    return any(one.body for one in bench.vendor.asked if one.writes)


def _value(kind: MitigationKind) -> Value:
    lever = LEVERS[kind]
    if lever.is_switch:
        return True
    if lever.is_number:
        return type(lever.at_rest)(lever.least)  # type: ignore[arg-type]  # a number's own type
    return ("search_kb",) if isinstance(lever.at_rest, tuple) else "new" if kind is MitigationKind.HANDOFF else "5"
