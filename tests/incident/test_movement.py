"""Whether a lever moves what it should: fewer bad ones than at the time, or back to what is usual."""

from hypothesis import given
from hypothesis import strategies as st

from bot.incident.evidence import Direction, EvidenceBundle, Signal, Unit, Window
from bot.incident.movement import movement

WINDOW = Window(0, 600 * 10**9)


def seen(k: int, n: int, before: int = 4, of: int = 200, name: str = "long_tasks") -> EvidenceBundle:
    share = k / n if n else None
    signal = Signal(
        name, "tasks took more than 24 steps", Unit.SHARE, share, before / of, n, of, WINDOW, Direction.UP, k, before
    )
    return EvidenceBundle("helpdesk-agent", WINDOW.end_ns, WINDOW, WINDOW, (signal,))


def test_what_goes_on_as_before_has_not_moved_and_says_its_figures() -> None:
    found = movement(("long_tasks",), seen(17, 50), seen(14, 40))
    assert found.moved is False
    assert found.detail == "14 of 40 tasks took more than 24 steps since (35 %), 17 of 50 before it"


def test_fewer_than_then_has_moved_and_so_has_what_is_usual_again() -> None:
    assert movement(("long_tasks",), seen(30, 50), seen(10, 40)).moved
    assert movement(("long_tasks",), seen(6, 50), seen(1, 30)).moved


def test_nothing_is_said_without_trouble_then_or_observations_since() -> None:
    assert movement(("long_tasks",), seen(1, 50), seen(1, 40)).moved is None
    assert movement(("long_tasks",), seen(17, 50), seen(9, 19)).moved is None
    assert movement(("repeats",), seen(17, 50), seen(20, 40)).moved is None
    assert movement((), seen(17, 50), seen(20, 40)).moved is None


@given(st.integers(5, 60), st.integers(60, 80), st.integers(20, 80), st.data())
def test_fewer_bad_ones_never_turn_a_moved_one_back(k: int, n: int, since: int, data: st.DataObject) -> None:
    worse = data.draw(st.integers(0, since))
    better = data.draw(st.integers(0, worse))
    if movement(("long_tasks",), seen(k, n), seen(worse, since)).moved:
        assert movement(("long_tasks",), seen(k, n), seen(better, since)).moved
