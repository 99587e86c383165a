"""Figures and spans of time as people read them."""

import pytest

from bot.incident.wording import duration


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (59, "59 s"),
        (252, "4 min"),
        (3600, "1 h"),
        (4200, "1 h 10 min"),
        (90_000, "1 day"),
        (200_000, "2 days"),
        (0.2, "0 s"),
        (7500, "2 h 5 min"),
        (-3, "0 s"),
    ],
)
def test_spans_of_time_are_words(seconds: float, words: str) -> None:
    assert duration(seconds) == words
