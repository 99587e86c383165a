"""What every driver promises when its vendor is in trouble: silent, late, wrong or away."""

import logging
import socket
from contextlib import suppress

from bot.controls.bench import Bench, Broken, Subject, must, on_bench
from bot.controls.between import RETRY_AFTER, Mood
from bot.incident.composition import compose
from bot.incident.errors import FirstfiveError, Refused, Unavailable, Uncertain


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
    await _away(subject)


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


async def _away(subject: Subject) -> None:
    """A vendor that cannot be reached was told nothing, and nobody knows what it says."""
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


class _Kept(logging.Handler):
    """Every log line while it listens."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage() + str(record.exc_info or ""))


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


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
