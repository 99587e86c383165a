"""The window and its baseline, and what lies in them."""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import timedelta
from operator import attrgetter
from typing import TypeVar

from bot.incident.evidence import Onset, Window
from bot.incident.reading import Reading
from bot.incident.signals.scales import on_one_scale
from bot.incident.signals.scope import Scope
from bot.incident.telemetry import EvalScore

LOOKBACK = timedelta(minutes=90)
SECOND = 1_000_000_000
MINUTE = 60 * SECOND
WINDOW = 10 * MINUTE  # where nothing is known to have begun
LONGEST_WINDOW = 20 * MINUTE
GAP = MINUTE  # kept out of the baseline, so that a blurred beginning does not spoil it
WIDE_GAP = 8 * MINUTE  # the same, where nobody knows when it began: a first sign must not count as known
START = attrgetter("at_ns")
T = TypeVar("T", Reading, EvalScore)


def placed_scores(
    scores: Sequence[EvalScore], readings: Sequence[Reading], at_ns: int, earlier: Collection[str] = ()
) -> tuple[EvalScore, ...]:
    """Scores known at ``at_ns``, moved to the start of the task they judge: verdicts arrive a minute late.

    Those of tasks that began before all that was read (``earlier``) are of none of the windows: a night's judging of
    yesterday's tasks says nothing of now.
    """
    starts = {reading.id: reading.at_ns for reading in readings}
    known = [score for score in scores if score.at_ns <= at_ns and score.trace_id not in earlier]
    placed = [_placed(score, starts.get(score.trace_id or "")) for score in on_one_scale(known)]
    return tuple(sorted(placed, key=START))


def _placed(score: EvalScore, start_ns: int | None) -> EvalScore:
    if start_ns is None:
        return score
    # what _replace does, in a fraction of its time: a look places thousands
    name, _, *rest = score
    return tuple.__new__(EvalScore, (name, start_ns, *rest))


def windows_of(at_ns: int, onset: Onset | None, window_ns: int | None) -> tuple[Window, Window]:
    """The window and its baseline."""
    if window_ns is not None:
        start = at_ns - window_ns
        end = min(start, onset.at_ns - GAP) if onset else start
        return Window(start, at_ns), Window(end - window_ns, end)
    start = max(onset.at_ns, at_ns - LONGEST_WINDOW) if onset else at_ns - WINDOW
    end = onset.at_ns - GAP if onset else start - WIDE_GAP
    return Window(start, at_ns), Window(at_ns - int(LOOKBACK.total_seconds()) * SECOND, end)


def scope_of(
    agent: str,
    at_ns: int,
    windows: tuple[Window, Window],
    readings: Sequence[Reading],
    placed: Sequence[EvalScore],
    scores: Sequence[EvalScore],
    neighbours: Mapping[str, tuple[Reading, ...]],
    onset: Onset | None,
) -> Scope:
    """The two windows and what lies in them."""
    window, baseline = windows
    return Scope(
        agent=agent,
        at_ns=at_ns,
        window=window,
        baseline=baseline,
        now=_within(readings, window.start_ns, None),
        before=_within(readings, baseline.start_ns, baseline.end_ns),
        scores_now=_within(placed, window.start_ns, None),
        scores_before=_within(placed, baseline.start_ns, baseline.end_ns),
        began=onset is not None,
        seen=tuple(readings),
        others=neighbours,
        span_ns=max((min(reading.end_ns, at_ns) for reading in readings), default=None),
        score_ns=max((score.at_ns for score in scores if score.at_ns <= at_ns), default=None),
        fleet_ns=max((min(one.end_ns, at_ns) for found in neighbours.values() for one in found), default=None),
        heard=arrivals(scores, at_ns),
        probe_ns=max((score.at_ns for score in scores if score.at_ns <= at_ns and score.synthetic), default=None),
    )


def _within(placed: Sequence[T], start_ns: int, end_ns: int | None) -> tuple[T, ...]:
    """Those that start in [start, end), of a sequence in order of start."""
    low = bisect_left(placed, start_ns, key=START)
    return tuple(placed[low : None if end_ns is None else max(low, bisect_left(placed, end_ns, key=START))])


def arrivals(scores: Iterable[EvalScore], at_ns: int) -> Mapping[str, tuple[int, ...]]:
    """When the scores of each evaluator came, in order; by the evaluator's name."""
    found: dict[str, list[int]] = {}
    for score in scores:
        if score.at_ns <= at_ns:
            found.setdefault(score.name, []).append(score.at_ns)
    return {name: tuple(sorted(times)) for name, times in found.items()}
