"""The evidence on one screen of a terminal, and the same as the API's in JSON."""

import json
import urllib.parse
import urllib.request
from dataclasses import replace
from pathlib import Path

import pytest

from bot.app.showing import ranked, screen
from bot.incident.evidence import (
    Change,
    ChangeKind,
    Direction,
    EvidenceBundle,
    Finding,
    FindingKind,
    Interval,
    Onset,
    Signal,
    SourceStatus,
    Unit,
    Window,
)
from bot.incident.summary import summary_of, worst_first
from bot.slack.evidence_lines import change_line
from tests.cli.conftest import SECONDS, Terminal

SAMPLE = Path(__file__).resolve().parents[1] / "data" / "scenarios" / "sample_loop"
AT = "2026-11-02T03:13:00Z"
MINUTE = 60 * 10**9
NOW = 1_793_588_400 * 10**9
WINDOW, BEFORE = Window(NOW - 10 * MINUTE, NOW), Window(NOW - 80 * MINUTE, NOW - 10 * MINUTE)


def signal(name: str, direction: Direction, value: float | None, sure: float = 0.0, n: int = 40) -> Signal:
    return Signal(
        name=name,
        label=f"tasks {name}",
        unit=Unit.SHARE,
        value=value,
        baseline=None if value is None else 0.02,
        n=n,
        baseline_n=200,
        window=WINDOW,
        direction=direction,
        k=None if value is None else round(value * n),
        baseline_k=4,
        interval=None if value is None else Interval(value / 2, min(1.0, value * 1.5)),
        difference=None if value is None else Interval(sure, sure + 0.3),
        fresh_seconds=26.0,
        trace_ids=("ab" * 16, "cd" * 16),
    )


def bundle(*signals: Signal, **parts: object) -> EvidenceBundle:
    whole: dict[str, object] = {"agent": "helpdesk", "at_ns": NOW, "window": WINDOW, "baseline_window": BEFORE}
    return EvidenceBundle(**{**whole, "signals": signals, **parts})  # type: ignore[arg-type]  # parts of a story


def test_the_worst_stands_first_and_what_is_not_measured_last() -> None:
    order = ranked(
        bundle(
            signal("flat", Direction.FLAT, 0.02),
            signal("unmeasured", Direction.UNKNOWN, None),
            signal("tool:search", Direction.UP, 0.9, 0.6),
            signal("unsure", Direction.UNKNOWN, 0.1),
            signal("bad", Direction.UP, 0.3, 0.1),
            signal("worse", Direction.UP, 0.8, 0.5),
            signal("task_failures", Direction.UP, 0.2, 0.05),
        )
    )
    names = ["task_failures", "worse", "bad", "tool:search", "unsure", "flat", "unmeasured"]
    assert [one.name for one in order] == names


def test_a_line_holds_figure_n_baseline_interval_age_and_direction() -> None:
    line = screen(bundle(signal("failed", Direction.UP, 0.3, 0.1))).splitlines()[1]
    for part in (
        "up ",
        "12 of 40",
        "30 %",
        "15-45 %",
        "was 2 % of 200",
        "+28 points (+10 to +40)",
        "26 s ago",
        "ab" * 16,
    ):
        assert part in line


def test_onset_changes_findings_and_what_is_missing_follow() -> None:
    text = screen(
        bundle(
            onset=Onset(NOW - 9 * MINUTE, NOW - 11 * MINUTE, NOW - 8 * MINUTE, "repeats"),
            changes=(Change(ChangeKind.PROMPT_VERSION, "p-118", "p-119", NOW - 12 * MINUTE, 49, 49),),
            findings=tuple(
                Finding(kind, f"{number:032x}", (), "the same step 12 times")
                for number, kind in enumerate([FindingKind.LOOP] * 8 + [FindingKind.TOOL_ERROR], start=1)
            ),
            sources=(
                SourceStatus("builtin", 1200, 30, drawn_from=6480),
                SourceStatus("langfuse", 0, 0, "it did not answer within 2.5 s"),
            ),
        )
    )
    assert "02:51 UTC, between 02:49 and 02:52, judged by: repeats" in text
    assert "prompt version p-119, was p-118, first seen 02:48 UTC, in 49 of 49 tasks since" in text
    assert f"tool error: the same step 12 times; trace {9:032x}" in text
    assert "4 more findings" in text
    assert "builtin: 1,200 traces drawn from 6,480, 30 scores" in text
    assert "langfuse: 0 traces, 0 scores; missing: it did not answer within 2.5 s" in text


def test_it_fits_one_screen_whatever_was_measured() -> None:
    signals = [signal(f"s{number}", Direction.UP, 0.5, 0.1) for number in range(90)]
    findings = [Finding(FindingKind.LOOP, "ab" * 16, (), "again") for _ in range(40)]
    changes = [Change(ChangeKind.AGENT_VERSION, None, f"v{number}", NOW, 1, 2) for number in range(30)]
    text = screen(bundle(*signals, findings=tuple(findings), changes=tuple(changes)))
    assert len(text.splitlines()) <= 30
    assert "78 more figures" in text


def test_hostile_text_cannot_steer_the_terminal() -> None:
    text = screen(bundle(findings=(Finding(FindingKind.LOOP, "ab" * 16, (), "\x1b[2Jgone\rnow\u202e\n"),)))
    assert not any(character in text for character in "\x1b\r\u202e")
    assert "[2Jgone now" in text


def test_the_command_and_the_api_say_the_same_and_ask_the_same_window(terminal: Terminal) -> None:
    files = [str(SAMPLE / name) for name in ("traces.otlp.jsonl.gz", "evals.otlp.jsonl.gz")]
    assert terminal.run("ingest", *files).returncode == 0
    _, port, _ = terminal.serve()
    said = terminal.run("evidence", "--agent", "helpdesk-agent", "--at", AT, "--json")
    assert said.returncode == 0, said.stderr
    at = urllib.parse.quote(AT)
    address = f"http://127.0.0.1:{port}/api/v1/agents/helpdesk-agent/evidence?at={at}"
    with urllib.request.urlopen(address, timeout=SECONDS) as answer:
        assert json.load(answer) == json.loads(said.stdout)
    shown = terminal.run("evidence", "--agent", "helpdesk-agent", "--at", AT)
    assert "repeat the same step with the same result" in shown.stdout.splitlines()[1]
    assert "p-119" in shown.stdout
    five = terminal.run("evidence", "--agent", "helpdesk-agent", "--at", AT, "--window", "5")
    assert "measured over 5 min" in five.stdout.splitlines()[0]
    later = terminal.run("evidence", "--agent", "helpdesk-agent", "--at", "2026-11-09T03:13:00Z")
    assert "to look at it, add --at 2026-11-02T03:" in later.stdout
    stranger = terminal.run("evidence", "--agent", "helpdesk-agnet", "--at", AT)
    assert (stranger.returncode, "Agents that did:" in stranger.stderr) == (1, True)
    for word in ("evidence", "classify"):
        elsewhere = terminal.run(word, "--agent", "helpdesk-agent", "--at", AT, "--environment", "staging")
        assert "No task names the environment staging, so 255 tasks of simulated count too" in elsewhere.stdout


@pytest.mark.parametrize("words", [("--window", "0"), ("--window", "nan"), ("--window", "1441"), ("--at", "soon")])
def test_a_window_or_moment_out_of_reach_is_one_sentence(terminal: Terminal, words: tuple[str, ...]) -> None:
    ended = terminal.run("evidence", "--agent", "a", *words)
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("firstfive: ")


def test_what_is_not_counted_stands_above_the_figures() -> None:
    places = {
        "environment": "production",
        "environments": {"production": 9, "staging": 412},
        "left_out": {"staging": 412},
    }
    lines = screen(bundle(signal("failed", Direction.UP, 0.4), **places)).splitlines()
    assert " in production at " in lines[0]
    assert lines[1] == "where     412 tasks of staging are not counted"


def test_what_is_usual_at_this_hour_stands_on_the_line() -> None:
    known = replace(signal("failed", Direction.UP, 0.4, sure=0.2), usual=0.04, usual_n=480)
    assert "; usually 4 % at this hour; newest 26 s ago" in screen(bundle(known))


def test_of_an_announced_change_nobody_says_which_tasks_it_reached() -> None:
    """A deploy for one task in ten stands beside the version that the traces of one in ten show."""
    told = Change(ChangeKind.DEPLOY, "v41", "v42", NOW - 5 * MINUTE, 199, 199)
    seen = Change(ChangeKind.AGENT_VERSION, "v41", "v42", NOW - 5 * MINUTE, 21, 199)
    text = screen(bundle(signal("failed", Direction.UP, 0.4), changes=(told, seen)))
    assert "deploy v42, was v41, first seen" in text
    assert "UTC, 199 tasks since" in text
    assert "UTC, in 21 of 199 tasks since" in text


def test_a_change_that_was_announced_for_one_environment_is_said_to_be_of_it() -> None:
    """Where all tasks count, a deploy in staging must not read like the one in production."""
    told = Change(ChangeKind.DEPLOY, "v41", "v42", NOW - 5 * MINUTE, 199, 199, "staging")
    seen = bundle(signal("failed", Direction.UP, 0.4), changes=(told,))
    assert "deploy v42 in staging, was v41, first seen" in screen(seen)
    assert any(line.startswith("Changed: deploy v42 in staging, was v41,") for line in summary_of(seen))
    assert change_line(told).startswith("• deploy: v41 → v42 in staging since ")


def test_the_terminal_has_the_order_of_slack_and_the_page() -> None:
    signals = (
        signal("tool_errors", Direction.DOWN, 0.002),  # a headline that got better
        signal("at_limit", Direction.UP, 0.5, 0.4),
        signal("task_failures", Direction.UP, 0.2, 0.05),
    )
    better = replace(signals[0], difference=Interval(-0.014, -0.006))
    told = bundle(better, *signals[1:])
    assert [one.name for one in ranked(told)] == ["task_failures", "at_limit", "tool_errors"]
    assert ranked(told) == list(worst_first(told))


def test_that_other_agents_are_quiet_stands_below_what_is_wrong_with_this_one() -> None:
    quiet = signal("fleet_age", Direction.UP, 330.0, 180.0)
    leaning = replace(signal("task_failures", Direction.UNKNOWN, 1.0, 0.0), n=14, difference=Interval(0.77, 1.0))
    assert [one.name for one in ranked(bundle(quiet, leaning))] == ["task_failures", "fleet_age"]


def test_a_line_goes_on_below_its_words_where_the_terminal_ends() -> None:
    told = bundle(signal("failed", Direction.UP, 0.3, 0.1))
    lines = screen(told, 80).splitlines()
    assert max(len(line) for line in lines) <= 80
    assert lines[3].startswith(" " * 14)
    assert not [
        line
        for columns in range(40, 120)
        for line in screen(told, columns).splitlines()
        if line.lstrip().startswith("%")
    ]
    assert " ".join(screen(told, 80).split()) == " ".join(screen(told).split())
