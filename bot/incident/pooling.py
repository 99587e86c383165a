"""What several sources tell of one agent, put together: each task and each verdict counts once."""

from bisect import bisect_left
from collections.abc import Collection, Sequence
from dataclasses import replace

from bot.incident.draw import Draw
from bot.incident.environments import spelled
from bot.incident.reading import Reading
from bot.incident.telemetry import EvalScore
from bot.incident.verdicts import each_once, said

MILLISECOND_NS = 1_000_000


def joined(*parts: tuple[Reading, ...]) -> tuple[Reading, ...]:
    """Tasks of all sources; where several have the same one, the one with more steps counts, wherever any says it ran."""
    known: dict[str, Reading] = {}
    for reading in (one for part in parts for one in part):
        other = known.get(reading.id)
        if other is None:
            known[reading.id] = reading
            continue
        fuller, lesser = (reading, other) if reading.steps > other.steps else (other, reading)
        lost = spelled(lesser.environment) and not spelled(fuller.environment)
        known[reading.id] = replace(fuller, environment=lesser.environment) if lost else fuller
    return tuple(sorted(known.values(), key=lambda reading: reading.at_ns))


def pooled(*parts: tuple[EvalScore, ...]) -> tuple[EvalScore, ...]:
    """Scores of all sources; the same verdict on the same task counts once."""
    on_tasks = each_once(score for part in reversed(parts) for score in part if score.trace_id is not None)
    return tuple(sorted([*on_tasks, *_of_no_task(parts)], key=lambda score: score.at_ns))


def _of_no_task(parts: Sequence[tuple[EvalScore, ...]]) -> list[EvalScore]:
    """Scores without a task: one source has many alike of one moment, a suite's run, and another may tell them again."""
    known: dict[tuple[str, int, float | None], list[EvalScore]] = {}
    for part in parts:
        mine: dict[tuple[str, int, float | None], list[EvalScore]] = {}
        for score in part:
            if score.trace_id is None:
                mine.setdefault((score.name, score.at_ns, said(score)), []).append(score)
        for key, alike in mine.items():
            if len(alike) > len(known.get(key, ())):
                known[key] = alike
    return [score for alike in known.values() for score in alike]


def with_those_of(elsewhere: Sequence[Sequence[Reading]], own: Collection[Reading], draw: Draw) -> Draw:
    """The draw with the tasks that only other sources know: each stands for itself.

    Some sources tell moments in whole milliseconds, and of what was not drawn we know nothing but the moment. One that
    started then is taken to be ours, for which those that were drawn stand.
    """
    drawn = {reading.id for reading in own}
    told = {reading.id: reading.at_ns for theirs in elsewhere for reading in theirs if reading.id not in drawn}
    beside = {name: int(not _holds_about(draw.starts, at)) for name, at in told.items()}
    more = {told[name] for name, alone in beside.items() if alone}
    return replace(draw, starts=sorted([*draw.starts, *more]), beside={**draw.beside, **beside}) if told else draw


def _holds_about(starts: Sequence[int], at_ns: int) -> bool:
    """One of the starts, which are in order, is that moment within a millisecond."""
    place = bisect_left(starts, at_ns - MILLISECOND_NS)
    return place < len(starts) and starts[place] <= at_ns + MILLISECOND_NS
