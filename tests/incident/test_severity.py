"""The floor of a severity: by class, raised by what is measured and by what the catalogue knows, never lowered."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.incident.evidence import Direction, EvidenceBundle, Signal, Unit, Window
from bot.incident.model import Impact
from bot.incident.severity import floor
from bot.incident.taxonomy import IncidentClass, Severity
from tests.taxonomies import CLASSES, TAXONOMY

WINDOW = Window(0, 600 * 10**9)
QUAL, BEHV, SECU, LOOP, TOOL = (IncidentClass(name) for name in ("QUAL", "BEHV", "SECU", "LOOP", "TOOL"))


def share(name: str, k: int, n: int, before: float = 0.02) -> Signal:
    return Signal(name, f"{name} bad", Unit.SHARE, k / n, before, n, 200, WINDOW, Direction.UP, k, round(before * 200))


def burning(failed: int, of: int) -> Signal:
    """As usual in the window, and so many of so many tasks failed in the last hour."""
    return replace(share("task_failures", 1, 50), hour=(failed, of))


def bundle(*signals: Signal) -> EvidenceBundle:
    return EvidenceBundle("helpdesk-agent", WINDOW.end_ns, WINDOW, WINDOW, signals)


IMPACTS = st.builds(
    Impact,
    external=st.booleans(),
    regulated=st.booleans(),
    human_in_the_loop=st.sampled_from([None, True, False]),
    sensitive=st.sampled_from([(), ("health",)]),
    persistent_memory=st.booleans(),
    objective=st.sampled_from([None, 0.99, 0.999]),
    severity_floor=st.sampled_from([None, *Severity]),
)
BUNDLES = st.builds(
    lambda failing, wrong, writes: bundle(
        share("task_failures", failing, 50), share("quality", wrong, 50), share("repeated_writes", writes, 50, 0.0)
    ),
    st.integers(0, 50),
    st.integers(0, 50),
    st.integers(0, 3),
)


@settings(max_examples=200)
@given(name=st.sampled_from(CLASSES), seen=BUNDLES, impact=IMPACTS, harm=st.booleans())
def test_nothing_known_or_measured_ever_lowers_the_floor_of_a_class(
    *, name: IncidentClass, seen: EvidenceBundle, impact: Impact, harm: bool
) -> None:
    bare = floor(name, bundle(), TAXONOMY)[0]
    found, why = floor(name, seen, TAXONOMY, impact, harm_now=harm)
    assert bare is TAXONOMY.facts(name).floor
    assert found.rank <= floor(name, seen, TAXONOMY, harm_now=harm)[0].rank <= bare.rank
    assert found.rank <= (impact.severity_floor or found).rank
    assert why


@settings(max_examples=100)
@given(st.sampled_from(CLASSES), IMPACTS)
def test_more_failing_tasks_never_make_it_milder(name: IncidentClass, impact: Impact) -> None:
    floors = [floor(name, bundle(share("task_failures", k, 50)), TAXONOMY, impact)[0].rank for k in range(0, 51, 5)]
    assert all(later <= earlier for earlier, later in pairwise(floors))


@pytest.mark.parametrize(
    ("name", "signals", "impact", "expected", "part"),
    [
        (TOOL, (share("task_failures", 14, 50),), Impact(), Severity.SEV1, "more than a quarter"),
        (TOOL, (share("task_failures", 5, 50),), Impact(), Severity.SEV2, "5 % or more beyond the usual"),
        (TOOL, (share("task_failures", 2, 50),), Impact(), Severity.SEV3, "the floor of TOOL"),
        (TOOL, (burning(2, 50),), Impact(objective=0.998), Severity.SEV2, "2 of 50 tasks failed in the last hour"),
        (TOOL, (burning(2, 50),), Impact(objective=0.998), Severity.SEV2, "burns 20 times as fast"),
        (TOOL, (burning(1, 100),), Impact(objective=0.998), Severity.SEV3, "the floor of TOOL"),
        (TOOL, (burning(2, 7),), Impact(objective=0.998), Severity.SEV3, "the floor of TOOL"),
        (TOOL, (share("task_failures", 2, 50),), Impact(objective=0.998), Severity.SEV3, "the floor of TOOL"),
        (QUAL, (share("quality", 10, 50),), Impact(), Severity.SEV2, "18 points worse"),
        (QUAL, (), Impact(regulated=True), Severity.SEV2, "regulated"),
        (QUAL, (share("quality", 10, 50),), Impact(regulated=True), Severity.SEV1, "at scale"),
        (QUAL, (), Impact(human_in_the_loop=False), Severity.SEV2, "one level more: no human is in the loop"),
        (QUAL, (), Impact(human_in_the_loop=True), Severity.SEV3, "the floor of QUAL"),
        (SECU, (), Impact(persistent_memory=True), Severity.SEV1, "memory or index"),
        (TOOL, (), Impact(persistent_memory=True), Severity.SEV3, "the floor of TOOL"),
        (LOOP, (share("repeated_writes", 1, 3, 0.0),), Impact(), Severity.SEV2, "1 looping tasks repeat writes"),
        (TOOL, (), Impact(severity_floor=Severity.SEV2), Severity.SEV2, "the catalogue asks for SEV2"),
        (BEHV, (), Impact(severity_floor=Severity.SEV4), Severity.SEV2, "the floor of BEHV"),
    ],
)
def test_each_impact_has_its_say(
    name: IncidentClass, signals: tuple[Signal, ...], impact: Impact, expected: Severity, part: str
) -> None:
    found, why = floor(name, bundle(*signals), TAXONOMY, impact)
    assert found is expected, why
    assert part in why


def test_several_reasons_raise_it_by_one_level_only() -> None:
    everything = Impact(human_in_the_loop=False, sensitive=("health", "minors"), persistent_memory=True)
    found, why = floor(TOOL, bundle(), TAXONOMY, everything)
    assert found is Severity.SEV2
    assert (
        why
        == "the floor of TOOL is SEV3; one level more: no human is in the loop, minors, health or finance are concerned"
    )


def test_harm_now_counts_without_a_class() -> None:
    assert floor(None, bundle(), TAXONOMY, harm_now=True) == (Severity.SEV2, "harm is happening now")
    assert floor(None, bundle(), TAXONOMY, replace(Impact(), regulated=True))[0] is Severity.SEV4
