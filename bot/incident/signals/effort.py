"""Effort: steps, tokens, tasks at their limit, over-long and heavy tasks, and tasks that repeat themselves."""

from collections.abc import Iterable, Iterator, Sequence

from bot.incident.evidence import Signal, Unit
from bot.incident.reading import Reading
from bot.incident.signals.measure import level, share_of
from bot.incident.signals.scope import Scope
from bot.incident.statistics import quantile

LONG = 1.8  # times the 95th percentile of ordinary tasks
HEAVY = 2.0  # times the 95th percentile of the tokens of ordinary tasks: longer prompts alone do not reach it
FEWEST_TASKS = 10
P95 = 0.95


def signals(scope: Scope) -> tuple[Signal, ...]:
    """Repeating tasks, tasks at their limit, over-long and heavy tasks, and the 95th percentiles of steps and tokens."""
    now = [reading for reading in scope.now if reading.steps]
    before = [reading for reading in scope.before if reading.steps]
    return (*_repeating(scope, now, before), *_overlong(scope, now, before), *_amounts(scope, now, before))


def _repeating(scope: Scope, now: Sequence[Reading], before: Sequence[Reading]) -> Iterator[Signal]:
    for name, label, bad in (
        ("repeats", "tasks repeat the same step with the same result", looping),
        ("repeats_of_failing_tool", "tasks repeat a call that fails", retrying),
        ("repeated_writes", "tasks repeat a write", rewriting),
    ):
        yield share_of(scope, name, label, now, before, bad, fresh_seconds=scope.span_age)


def _overlong(scope: Scope, now: Sequence[Reading], before: Sequence[Reading]) -> Iterator[Signal]:
    age = scope.span_age
    yield share_of(
        scope, "at_limit", "tasks hit their step limit", now, before, lambda one: one.at_limit, fresh_seconds=age
    )
    limit, heavy = long_limit(before), heavy_limit(before)
    yield share_of(
        scope,
        "long_tasks",
        f"tasks took more than {limit:.0f} steps" if limit else "tasks took unusually many steps",
        now if limit else (),
        before if limit else (),
        lambda reading: reading.steps > (limit or 0),
        fresh_seconds=age,
    )
    yield share_of(
        scope,
        "heavy_tasks",
        f"tasks took more than {heavy:,.0f} tokens" if heavy else "tasks took unusually many tokens",
        telling_tokens(now) if heavy else (),
        telling_tokens(before) if heavy else (),
        lambda reading: reading.tokens > (heavy or 0),
        fresh_seconds=age,
    )


def _amounts(scope: Scope, now: Sequence[Reading], before: Sequence[Reading]) -> Iterator[Signal]:
    for name, label, unit, of_each, part in (
        ("steps_p95", "steps per task, P95", Unit.STEPS, steps, P95),
        ("steps_p50", "steps per task, median", Unit.STEPS, steps, 0.5),
        ("tokens_p95", "tokens per task, P95", Unit.TOKENS, tokens, P95),
        ("cost_p95", "cost per task, P95", Unit.USD, costs, P95),
    ):
        yield level(scope, name, label, unit, of_each(now), of_each(before), part, fresh_seconds=scope.span_age)


def long_limit(before: Iterable[Reading]) -> float | None:
    """Steps beyond which a task is over-long; None when too few ordinary tasks are known."""
    ordinary = [float(reading.steps) for reading in before if reading.steps and not reading.failed]
    return LONG * quantile(ordinary, P95) if len(ordinary) >= FEWEST_TASKS else None


def heavy_limit(before: Iterable[Reading]) -> float | None:
    """Tokens beyond which a task is heavy; None when too few ordinary tasks tell theirs."""
    ordinary = [float(reading.tokens) for reading in before if reading.tokens and not reading.failed]
    return HEAVY * quantile(ordinary, P95) if len(ordinary) >= FEWEST_TASKS else None


def telling_tokens(readings: Iterable[Reading]) -> list[Reading]:
    """Tasks that tell how many tokens they took."""
    return [reading for reading in readings if reading.tokens]


def looping(reading: Reading) -> bool:
    """It goes round in circles."""
    return reading.looping


def retrying(reading: Reading) -> bool:
    """It repeats a call that errs or answers nothing."""
    return reading.loop is not None and reading.loop.failing


def rewriting(reading: Reading) -> bool:
    """A write is among what it repeats."""
    return reading.loop is not None and reading.loop.writes


def steps(readings: Iterable[Reading]) -> list[tuple[float, str]]:
    """Steps of each task that made any."""
    return [(float(reading.steps), reading.id) for reading in readings]


def tokens(readings: Iterable[Reading]) -> list[tuple[float, str]]:
    """Tokens of each task that tells them."""
    return [(float(reading.tokens), reading.id) for reading in telling_tokens(readings)]


def costs(readings: Iterable[Reading]) -> list[tuple[float, str]]:
    """USD of each task that tells what it cost."""
    return [(reading.cost, reading.id) for reading in readings if reading.cost is not None]
