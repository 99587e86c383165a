"""Moments in addresses, and figures in words."""

from datetime import UTC, datetime, timedelta

import pytest

from bot.incident.errors import BadInput
from bot.web.moments import length_in, moment_in

AT = datetime(2026, 11, 2, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-02T12:00:00Z",
        "2026-11-02T12:00:00",
        "2026-11-02T14:00:00+02:00",
        "2026-11-02T14:00:00 02:00",  # an offset whose plus sign was not escaped
        "1793620800",
        "1793620800.0",
        "1793620800000",
        "1793620800000000",
        "1793620800000000000",
    ],
)
def test_a_moment_may_be_written_in_many_ways(text: str) -> None:
    assert moment_in(text) == AT


def test_no_moment_is_none_and_nonsense_is_refused() -> None:
    assert moment_in(None) is None
    assert moment_in(" ") is None
    for text in ("yesterday", "2026-13-45", "9" * 400, "-5", "nan"):
        with pytest.raises(BadInput, match="is no moment"):
            moment_in(text)
    for text in ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"):
        with pytest.raises(BadInput, match="is out of reach"):
            moment_in(text)


@pytest.mark.parametrize(
    ("text", "minutes"),
    [
        ("15m", 15),
        ("15 ", 0.25),
        ("2h", 120),
        ("900s", 15),
        ("PT15M", 15),
        ("pt1h30m", 90),
        ("1h30m", 90),
        ("P1D", 1440),
    ],
)
def test_a_length_may_be_written_in_many_ways(text: str, minutes: float) -> None:
    assert length_in(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["m", "P15M", "15x", "-5m", "0", "PT", "1e3", "9" * 40, "999999999d", "\u0661m"])
def test_what_is_no_length_gets_one_sentence(text: str) -> None:
    with pytest.raises(BadInput, match="write it like 15m, 2h, 900s or PT15M"):
        length_in(text)


def test_no_length_is_none() -> None:
    assert length_in(None) is None
    assert length_in(" ") is None
