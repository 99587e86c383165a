"""The recovery gate: back inside the baseline, over enough observations and time, with nothing hiding the trouble."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incident.evidence import Direction, EvidenceBundle, Interval, Signal, Unit, Window
from bot.incident.kinds import MitigationKind
from bot.incident.mitigation import MitigationState
from bot.incident.recovery import Gate, Recovery, Trouble, Watch, known_signal, recovered, signal_names
from bot.incident.state import MitigationStatus
from tests.incident import stories
from tests.incident.stories import ANA, DECLARED_AT, NS, ns

MINUTES = 20
AT = ns(DECLARED_AT)
WATCH = Watch("at_limit", Trouble.UP, at_least=50, minutes=MINUTES)


def counted(k: int, n: int, k0: int = 8, n0: int = 200, name: str = "at_limit") -> Signal:
    return stories.signal(name, "tasks hit their step limit", k, n, (k0, n0), Direction.UNKNOWN)


def bundle(*signals: Signal, minutes: float = MINUTES) -> EvidenceBundle:
    window = Window(AT - int(minutes * 60) * NS, AT)
    return EvidenceBundle("helpdesk-agent", AT, window, Window(AT - 7200 * NS, window.start_ns), signals=signals)


def gate(*watches: Watch, lifted: bool = False) -> Gate:
    return Gate("Steps are back.", watches or (WATCH,), lifted)


def lever(kind: MitigationKind = MitigationKind.TURN_LIMIT, ended_ago: float | None = None) -> MitigationStatus:
    mitigation = stories.mitigation(kind=kind, limit=6 if kind is MitigationKind.TURN_LIMIT else None)
    if ended_ago is None:
        return MitigationStatus(mitigation)
    ended_at = DECLARED_AT - timedelta(minutes=ended_ago)
    return MitigationStatus(mitigation.moved(MitigationState.REVERTED), None, ANA, ended_at)


def said(answer: Recovery) -> str:
    return " | ".join(answer.because)


def test_back_inside_its_baseline_is_met_with_the_figures() -> None:
    answer = recovered(gate(), bundle(counted(3, 60)), ())
    assert answer.met is True
    assert said(answer) == (
        "3 of 60 tasks hit their step limit (5 %, was 4 %): back inside its baseline, 2-7.7 % of 200"
    )


def test_still_above_its_baseline_is_not_met() -> None:
    answer = recovered(gate(), bundle(counted(14, 60)), ())
    assert answer.met is False
    assert "still above its baseline" in said(answer)


def test_too_few_observations_are_not_enough_however_good() -> None:
    answer = recovered(gate(), bundle(counted(0, 49)), ())
    assert answer.met is False
    assert "49 of 50 observations" in said(answer)


def test_too_short_a_time_is_not_enough() -> None:
    answer = recovered(gate(), bundle(counted(0, 500), minutes=5), ())
    assert answer.met is False
    assert "5 min of 20 min measured" in said(answer)


def test_what_is_not_measured_or_stale_cannot_tell() -> None:
    nothing = recovered(gate(), bundle(), ())
    assert (nothing.met, said(nothing)) == (None, "at_limit: not measured in these 20 min")
    old = replace(counted(1, 1, name="span_age"), unit=Unit.SECONDS, direction=Direction.UP)
    stale = recovered(gate(), bundle(counted(3, 60), old), ())
    assert stale.met is None
    assert "telemetry is stale" in said(stale)


def test_without_a_baseline_nobody_can_tell_unless_a_count_is_allowed() -> None:
    assert recovered(gate(), bundle(counted(0, 60, 0, 10)), ()).met is None
    capped = replace(WATCH, at_most=0)
    assert recovered(gate(capped), bundle(counted(0, 60, 0, 10)), ()).met is True
    one = recovered(gate(capped), bundle(counted(1, 60, 0, 10)), ())
    assert one.met is False
    assert "at most 0 allowed over 20 min" in said(one)


def test_the_baseline_of_the_declaration_counts_for_that_of_now_holds_the_trouble() -> None:
    poisoned = bundle(counted(14, 60, 50, 200))
    assert recovered(gate(), poisoned, ()).met is True
    assert recovered(gate(), poisoned, (), bundle(counted(30, 60))).met is False


def test_a_lever_in_force_hides_the_trouble() -> None:
    calm = bundle(counted(3, 60))
    assert recovered(gate(), calm, (lever(),)).met is True  # this gate does not mind
    answer = recovered(gate(lifted=True), calm, (lever(),))
    assert answer.met is False
    assert "Turn limit 6 is in force" in answer.because[0]


def test_time_before_the_lever_was_lifted_does_not_count() -> None:
    calm = bundle(counted(3, 60))
    early = recovered(gate(lifted=True), calm, (lever(ended_ago=4),))
    assert early.met is False
    assert "lifted 4 min ago, it takes 20 min" in early.because[0]
    assert recovered(gate(lifted=True), calm, (lever(ended_ago=21),)).met is True


def test_a_kill_switch_in_force_cannot_show_recovery() -> None:
    answer = recovered(gate(), bundle(counted(3, 60)), (lever(MitigationKind.HALT),))
    assert answer.met is None
    assert "no task runs" in answer.because[0]


def test_a_gate_that_only_people_can_judge_says_so() -> None:
    answer = recovered(Gate("A class is set."), bundle(), ())
    assert (answer.met, said(answer)) == (None, "people decide this one: A class is set.")


def test_the_direction_that_means_trouble_counts() -> None:
    fewer = bundle(counted(0, 400, 80, 400))
    assert recovered(gate(), fewer, ()).met is True
    for trouble in (Trouble.DOWN, Trouble.EITHER):
        answer = recovered(gate(replace(WATCH, trouble=trouble)), fewer, ())
        assert answer.met is False
        assert "still below" in said(answer)


@pytest.mark.parametrize(("value", "low", "met"), [(9.0, 8.0, True), (20.0, 12.0, False), (11.0, 7.0, True)])
def test_a_quantity_is_back_near_its_baseline_or_where_chance_explains_it(
    value: float, low: float, *, met: bool
) -> None:
    steps = replace(
        counted(1, 60, name="steps_p95"), unit=Unit.STEPS, value=value, baseline=8.0, k=None, interval=Interval(low, 30)
    )
    assert recovered(gate(replace(WATCH, signal="steps_p95")), bundle(steps), ()).met is met


def test_what_is_not_met_stands_first() -> None:
    second = replace(WATCH, signal="repeats")
    answer = recovered(gate(WATCH, second), bundle(counted(3, 60), counted(30, 60, name="repeats")), ())
    assert answer.met is False
    assert ["above" in text for text in answer.because] == [True, False]


@given(st.integers(0, 200), st.integers(0, 200))
def test_fewer_bad_ones_never_undo_recovery(bad: int, fewer: int) -> None:
    one = recovered(gate(), bundle(counted(max(bad, fewer), 200)), ()).met
    two = recovered(gate(), bundle(counted(min(bad, fewer), 200)), ()).met
    assert not one or two


def test_every_name_a_look_measures_is_known() -> None:
    assert {"task_failures", "quality", "at_limit", "steps_p95", "security_hits"} <= signal_names()
    assert all(known_signal(name) for name in signal_names())
    assert known_signal("eval:helpful")
    assert not known_signal("eval:")
    assert not known_signal("atlimit")
