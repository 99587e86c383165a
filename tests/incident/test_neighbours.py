"""Other agents on the same provider: who has the same trouble, and who another one."""

from collections.abc import Iterator

import pytest

from bot.incident.gathering import Gathered, gather
from bot.incident.reading import ModelStep, Reading
from tests.taxonomies import TAXONOMY

S = 1_000_000_000
NOW = 1_800_000_000 * S
WELL, ERRING, SLOW, SWAPPED, FAILING = "well", "erring", "slow", "swapped", "failing"


def at_work(first: int, trouble: str) -> Iterator[Reading]:
    """Two tasks a minute for 90 minutes; the last 12 have the trouble, in every second task."""
    for place in range(180):
        at_ns = NOW - (180 - place) * 30 * S
        bad = trouble if place >= 156 and place % 2 else WELL
        step = ModelStep("orion", "orion-large", "atlas" if bad == SWAPPED else None, 30.0 if bad == SLOW else 1.0)
        yield Reading(
            f"{first + place:032x}",
            at_ns,
            at_ns + 5 * S,
            failed=bad in (ERRING, FAILING),
            models=(step,),
            model_errors=int(bad == ERRING),
            mismatched=bad == SWAPPED,
            provider="orion",
        )


@pytest.mark.parametrize(
    ("own", "theirs", "same"),
    [
        (ERRING, ERRING, True),
        (ERRING, SLOW, True),  # a provider that is overloaded refuses one and lets another wait
        (SWAPPED, SWAPPED, True),
        (ERRING, SWAPPED, False),
        (FAILING, SWAPPED, False),  # ours fails for a reason of its own
        (FAILING, ERRING, False),
        (ERRING, WELL, False),
        (WELL, ERRING, False),
    ],
)
def test_a_neighbour_is_affected_if_its_provider_does_to_it_what_it_does_to_us(
    own: str, theirs: str, *, same: bool
) -> None:
    found = Gathered(readings=list(at_work(0, own)), others={"billing": list(at_work(1000, theirs))})
    bundle = gather("helpdesk", NOW, found, TAXONOMY)
    assert bundle.same_provider == ("billing",)
    assert bundle.also_affected == (("billing",) if same else ())
