"""How well loops are told from work: precision, recall, false alarms, lag and time of the loop detector.

Without arguments: made-up runs of every family in ``tests/incident`` (``--each``, 100 of each). With ``--traces FILE…``
recorded ones: OTLP in JSON, one request a line, ``.gz`` or not; ``--labels FILE`` is a JSON object that maps the ids of
traces that loop to true, or to the id of the span with which the repetition stands there for the third time. Traces
without a label are ordinary. Intervals are Wilson's, at 95%.
"""

import argparse
import gzip
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from measure import Measure, emit, say

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))  # the made-up runs are shared with the tests

from bot.incident.assembly import assemble
from bot.incident.detectors.loop import loop_in
from bot.incident.statistics import wilson
from bot.incident.telemetry import Span
from bot.sources.normalise import span_from
from bot.sources.otlp_json import spans
from tests.incident.made_up_runs import MADE_LOOPING, MADE_ORDINARY
from tests.incident.run_steps import Run, runs_of

PRECISION, RECALL, FALSE_ALARMS, LAG = 0.95, 0.90, 0.01, 2  # the aims; lag in steps


@dataclass(frozen=True, slots=True)
class Judged:
    """One run: where it is from, whether it loops and was flagged, how many steps late (None: unknown) and the time."""

    family: str
    loops: bool
    flagged: bool
    lag: int | None
    seconds: float


def made_up(each: int) -> Iterator[Judged]:
    """``each`` runs of every family."""
    for loops, families in ((True, MADE_LOOPING), (False, MADE_ORDINARY)):
        for run in runs_of(families, each):
            yield _judged(run, loops=loops)


def _judged(run: Run, *, loops: bool) -> Judged:
    whole = run.trace()
    begun = time.process_time()
    flagged = loop_in(whole) is not None
    spent = time.process_time() - begun
    lag = None
    if flagged and run.third is not None:
        lag = next(at for at in range(len(run.steps)) if loop_in(run.trace(at))) - run.third
    return Judged(run.family, loops, flagged, lag, spent)


def recorded(files: Iterable[Path], labels: dict[str, object]) -> Iterator[Judged]:
    """Every trace in the files."""
    for file in files:
        found: dict[str, list[Span]] = defaultdict(list)
        with gzip.open(file) if file.suffix == ".gz" else file.open("rb") as lines:
            for line in lines:
                for raw in spans(line):
                    found[raw.trace_id].append(span_from(raw))
        for trace_id, parts in found.items():
            begun = time.process_time()
            flagged = loop_in(assemble(parts)) is not None
            spent, label = time.process_time() - begun, labels.get(trace_id, False)
            lag = _late(parts, label) if flagged and isinstance(label, str) else None
            yield Judged(file.name, bool(label), flagged, lag, spent)


def _late(parts: Sequence[Span], third: str) -> int | None:
    """Steps from the span ``third`` to the first one with which the loop is seen."""
    in_order = sorted(parts, key=lambda span: span.start_ns)
    at = next((place for place, span in enumerate(in_order) if span.span_id == third), None)
    if at is None:
        return None
    return next(place for place in range(len(in_order)) if loop_in(assemble(in_order[: place + 1]))) - at


def measures(judged: Sequence[Judged], note: str) -> Iterator[Measure]:
    """The JSON lines."""
    looping, ordinary = [one for one in judged if one.loops], [one for one in judged if not one.loops]
    found, false = sum(one.flagged for one in looping), sum(one.flagged for one in ordinary)
    if looping:
        yield _share("precision", found, found + false, f">= {PRECISION}", found >= PRECISION * (found + false), note)
        yield _share("recall", found, len(looping), f">= {RECALL}", found >= RECALL * len(looping), note)
    if ordinary:
        alarms = "false alarms on ordinary runs"
        yield _share(alarms, false, len(ordinary), f"< {FALSE_ALARMS}", false < FALSE_ALARMS * len(ordinary), note)
    lags = [one.lag for one in judged if one.lag is not None]
    if lags:
        late = sum(lag > LAG for lag in lags)
        yield _share("seen more than two steps late", late, len(lags), "", None, f"{note}; {_in_words(lags)}")
    spent = sorted(one.seconds for one in judged)
    yield Measure("time of a run, median", round(1000 * spent[len(spent) // 2], 3), "ms CPU", n=len(spent), note=note)
    yield Measure("time of the slowest run", round(1000 * spent[-1], 2), "ms CPU", n=len(spent), note=note)


def _share(measure: str, part: int, whole: int, goal: str, met: bool | None, note: str) -> Measure:  # noqa: FBT001 - one line of the result
    if not whole:
        return Measure(measure, None, "share", goal=goal, note=f"{note}; nothing was flagged")
    interval = wilson(part, whole)
    return Measure(
        measure,
        round(part / whole, 4),
        "share",
        goal=goal,
        met=met,
        n=whole,
        note=f"{note}; {part} of {whole}, {interval.low:.3f} to {interval.high:.3f}",
    )


def _in_words(lags: Iterable[int]) -> str:
    return ", ".join(f"lag {lag}: {count}" for lag, count in sorted(Counter(lags).items()))


def main() -> None:
    """Measure, and print the lines; which families were missed or flagged goes to standard error."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--each", type=int, default=100)
    asked.add_argument("--traces", type=Path, nargs="+", default=[])
    asked.add_argument("--labels", type=Path)
    given = asked.parse_args()
    labels = json.loads(given.labels.read_text(encoding="utf-8")) if given.labels else {}
    judged = list(recorded(given.traces, labels) if given.traces else made_up(given.each))
    for family, wrong in Counter(one.family for one in judged if one.loops != one.flagged).items():
        say(f"{family}: {wrong} wrong of {sum(one.family == family for one in judged)}")
    for family in dict.fromkeys(one.family for one in judged):
        lags = [one.lag for one in judged if one.family == family and one.lag is not None]
        if any(lags):
            say(f"{family}: {_in_words(lags)}")
    note = "recorded" if given.traces else "made up by those who wrote the detector"
    for measure in measures(judged, note):
        emit(measure)


if __name__ == "__main__":
    main()
