"""The gate of remediation: what must be known before something is repaired, and each reason why not."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.incident.evidence import Change, ChangeKind, Onset
from bot.incident.remediation import FRESH_FOR, Evaluation, Known, Wish, may_remediate, rollbacks
from bot.incident.rules import ROLLBACK_CAUSES, RemediationKind
from bot.incident.taxonomy import Cause, IncidentClass
from tests.taxonomies import CLASSES, TAXONOMY

NOW = datetime(2026, 11, 2, 14, 30, tzinfo=UTC)
MINUTE = 60 * 10**9
BEGAN = int((NOW - timedelta(minutes=28)).timestamp()) * 10**9
ONSET = Onset(BEGAN, BEGAN - 2 * MINUTE, BEGAN + 2 * MINUTE, "quality")
PROMPT = Change(ChangeKind.PROMPT_VERSION, "p-118", "p-119", BEGAN - 4 * MINUTE, 40, 40)
PASSES = Evaluation("p-118", 38, 40, NOW - timedelta(minutes=3))
READY = Known(IncidentClass.QUAL, Cause.OUR_PROMPT, ONSET, (PROMPT,), PASSES, (8, 160))
BACK = Wish(RemediationKind.ROLLBACK, "p-118")


def refusal(known: Known, wish: Wish = BACK) -> str:
    found = may_remediate(wish, known, TAXONOMY, NOW)
    assert not found.granted
    return found.reason


def test_a_rollback_is_open_when_everything_is_known_and_says_what_it_rests_on() -> None:
    found = may_remediate(BACK, READY, TAXONOMY, NOW)
    assert found.granted
    assert found.because == (
        "class QUAL and cause our-prompt are set",
        "prompt version p-119 came 13:58 UTC, before the trouble",
        "p-118 passes 38 of 40 verdicts since 14:02 UTC",
    )


@pytest.mark.parametrize(
    ("known", "part"),
    [
        (replace(READY, incident_class=None), "locked until class and suspected cause are set"),
        (replace(READY, incident_class=IncidentClass.UNKN), "locked until"),
        (replace(READY, cause=Cause.UNKNOWN), "locked until"),
        (replace(READY, cause=Cause.TOOL_OR_API), "tool-or-API, which an older version does not repair"),
        (replace(READY, incident_class=IncidentClass.PROV), "PROV takes no rollback"),
        (replace(READY, onset=None), "nobody knows when it began"),
        (replace(READY, changes=()), "no change away from p-118 is known"),
        (replace(READY, changes=(replace(PROMPT, first_seen_ns=BEGAN + 9 * MINUTE),)), "after the trouble had begun"),
        (replace(READY, changes=(replace(PROMPT, kind=ChangeKind.TOOL_MANIFEST),)), "no change away from"),
        (replace(READY, evaluation=None), "p-118 has no evaluation since 14:02 UTC; evaluate it now"),
        (replace(READY, evaluation=replace(PASSES, at=NOW - timedelta(days=30))), "no evaluation since"),
        (replace(READY, evaluation=replace(PASSES, passed=9, n=9)), "passes 9 of 9 verdicts since 14:02 UTC; 20 are"),
        (replace(READY, evaluation=replace(PASSES, passed=20)), "20 of 40 now, worse than the 152 of 160 before"),
    ],
)
def test_each_thing_that_is_missing_is_said(known: Known, part: str) -> None:
    assert part in refusal(known)


def test_every_reason_is_said_at_once() -> None:
    said = refusal(replace(READY, cause=Cause.ADVERSARY, evaluation=None, changes=()))
    assert said.count(";") == 3


def test_what_makes_a_class_worse_is_locked_with_its_reason() -> None:
    restart = Wish(RemediationKind.RESTART)
    infected = Known(IncidentClass.SECU, Cause.ADVERSARY)
    assert refusal(infected, restart) == "restart makes SECU worse: stored memory infects it again"
    assert may_remediate(restart, Known(IncidentClass.HARD, Cause.OUR_CODE_OR_CONFIG), TAXONOMY, NOW).granted


KNOWN = st.builds(
    Known,
    st.sampled_from([None, *CLASSES]),
    st.sampled_from([None, *Cause]),
    st.sampled_from([None, ONSET]),
    st.sampled_from([(), (PROMPT,), (replace(PROMPT, first_seen_ns=BEGAN + 9 * MINUTE),)]),
    st.builds(
        lambda passed, n, minutes: Evaluation("p-118", min(passed, n), n, NOW - timedelta(minutes=minutes)),
        st.integers(0, 60),
        st.integers(1, 60),
        st.integers(0, 600),
    )
    | st.none(),
    st.sampled_from([None, (8, 160)]),
)


@given(KNOWN, st.sampled_from(RemediationKind))
def test_nothing_is_repaired_before_class_and_cause_are_known(known: Known, kind: RemediationKind) -> None:
    found = may_remediate(Wish(kind, "p-118"), known, TAXONOMY, NOW)
    assert found.because
    if found.granted:
        assert known.incident_class not in {None, IncidentClass.UNKN}
        assert known.cause not in {None, Cause.UNKNOWN}


@given(KNOWN)
def test_no_rollback_without_our_cause_an_earlier_change_and_a_fresh_evaluation(known: Known) -> None:
    if may_remediate(BACK, known, TAXONOMY, NOW).granted:
        assert known.cause in ROLLBACK_CAUSES
        assert known.onset
        assert known.changes[0].first_seen_ns < known.onset.at_ns
        assert known.evaluation
        assert known.evaluation.at > NOW - FRESH_FOR


def test_versions_to_go_back_to_are_those_before_a_change_the_nearest_first() -> None:
    earlier = Change(ChangeKind.AGENT_VERSION, "1.2", "1.3", BEGAN - 40 * MINUTE, 40, 40)
    tool = Change(ChangeKind.TOOL_MANIFEST, "search@a", "search@b", BEGAN, 40, 40)
    assert [wish.target for wish in rollbacks((earlier, PROMPT, tool), ONSET)] == ["p-118", "1.2"]
