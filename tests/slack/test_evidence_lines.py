"""One line of evidence: the figure, its doubt, the word, and a trace to look at."""

from dataclasses import replace

import pytest

from bot.incident.evidence import Direction, EvidenceBundle, Interval, Signal, SlowStep, Unit, Window
from bot.incident.summary import worst_first
from bot.slack.evidence_lines import signal_line, slowed

NOW = Window(0, 1)
EMPTY = EvidenceBundle("helpdesk-agent", 0, NOW, NOW)
CAP = Signal(
    name="at_limit",
    label="tasks hit their step limit",
    unit=Unit.SHARE,
    value=0.34,
    baseline=0.03,
    n=50,
    baseline_n=240,
    window=NOW,
    direction=Direction.UP,
    k=17,
    interval=Interval(0.22, 0.48),
    difference=Interval(0.18, 0.45),
    fresh_seconds=4.0,
    trace_ids=("a" * 32,),
)
COUNTED = "17 of 50 tasks hit their step limit (34 %, 22-48 %; was 3 % of 240): 🔴 up"


def line(signal: Signal, *, full: bool = True) -> str:
    return signal_line(signal, EMPTY, "http://pages.test", full=full)


def test_a_share_says_its_count_its_doubt_what_it_was_and_by_how_much_it_moved() -> None:
    trace = f"<http://pages.test/traces/{'a' * 32}|trace aaaaaaaa>"
    assert line(CAP) == f"• {COUNTED} · +31 points (+18 to +45) · {trace}"
    assert line(CAP, full=False) == f"• {COUNTED} · {trace}"
    assert signal_line(CAP, EMPTY, "", full=False) == f"• {COUNTED}"


@pytest.mark.parametrize(
    ("fresh", "note", "words"),
    [
        (1560.0, "", "can't tell, last seen 26 min ago"),
        (None, "", "can't tell, never seen"),
        (None, "no such attribute", "can't tell (no such attribute), never seen"),
    ],
)
def test_what_is_not_known_says_so_and_since_when(fresh: float | None, note: str, words: str) -> None:
    unknown = replace(CAP, value=None, fresh_seconds=fresh, note=note, direction=Direction.UNKNOWN)
    assert line(unknown) == f"• ⚪ tasks hit their step limit: {words}"


def test_what_is_usual_at_this_hour_is_said_with_its_doubt() -> None:
    assert "usually 2 % at this hour · " in line(replace(CAP, usual=0.02, usual_n=900))
    assert "usually 2 % at this hour (only 12 known)" in line(replace(CAP, usual=0.02, usual_n=12), full=False)


def test_old_observations_are_called_old() -> None:
    assert "newest 26 min ago" in line(replace(CAP, fresh_seconds=1560.0))


def test_what_is_flat_needs_no_trace() -> None:
    assert "traces/" not in line(replace(CAP, direction=Direction.FLAT))


def test_a_step_is_slow_only_against_itself_and_with_enough_tasks() -> None:
    step = SlowStep("tool search", 4.2, 0.8, 0.61, 40)
    assert slowed(replace(EMPTY, slow_steps=(step,))) == step
    for ordinary in (replace(step, seconds=1.0), replace(step, n=3), replace(step, baseline_seconds=None)):
        assert slowed(replace(EMPTY, slow_steps=(ordinary,))) is None
    assert slowed(EMPTY) is None


def test_what_got_better_is_not_painted_as_trouble() -> None:
    better = replace(CAP, direction=Direction.DOWN, value=0.003, difference=Interval(-0.014, -0.004), baseline=0.012)
    assert ": 🟡 down · -0.9 points (-1.4 to -0.4)" in line(better)
    fewer = replace(CAP, unit=Unit.RATE, direction=Direction.DOWN, difference=None)
    assert ": 🔴 down" in line(fewer)
    both = replace(EMPTY, signals=(better, replace(CAP, name="task_failures"), fewer))
    assert [signal.direction for signal in worst_first(both)] == [Direction.UP, Direction.DOWN, Direction.DOWN]
    assert worst_first(both)[-1] is better
