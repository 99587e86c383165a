"""Identifiers, moments and loose fields of vendors' rows, and rows in which anything may stand anywhere."""

import random
from typing import Any

import pytest

from bot.incident.errors import Unavailable
from bot.ports import SourceFound
from bot.sources import datadog_rows, langfuse_rows, langsmith_rows
from bot.sources.vendor_pages import Pages
from bot.sources.vendor_rows import Unreadable, error_type_in, iso, nanoseconds, span_id_of, trace_id_of
from tests.sources import test_datadog, test_langfuse, test_langsmith
from tests.sources.vendor_stub import HOSTILE, NOON_NS, an_ask

Row = dict[str, Any]


def deep() -> list[Any]:
    nested: list[Any] = []
    for _ in range(900):
        nested = [nested]
    return nested


ANYTHING: list[Any] = [
    *(None, "", 0, -1, 2**70, True, float("inf"), float("nan"), 1e300, [], {}, "x", "{", '{"a": 1}', HOSTILE),
    *([None, {"a": [1]}], {"a": {"b": HOSTILE}}, deep(), {"name": 5, "arguments": deep()}, {HOSTILE: HOSTILE}),
    *("9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "2026-11-02T12:00:00", "2026-13-01"),
]


def twisted(row: Row, chance: random.Random) -> Row:
    """The row with anything in some of its fields, and in those of the maps inside it."""
    changed: Row = {}
    for name, value in row.items():
        if isinstance(value, dict) and chance.random() < 0.5:
            changed[name] = twisted(value, chance)
        else:
            changed[name] = chance.choice(ANYTHING) if chance.random() < 0.25 else value
    return changed


def found_by_langfuse(chance: random.Random) -> SourceFound:
    rows = [twisted(row, chance) for row in test_langfuse.a_task(1, 5, metadata={"attributes": {"a": 1}})]
    bodies = Pages([twisted(row, chance) for row in rows], Unavailable("Late."))
    judged = Pages([twisted(test_langfuse.score(1, 1, 4, metadata={"a": 1}), chance)])
    observed = langfuse_rows.Observed(Pages(rows), bodies, Pages(rows))
    return langfuse_rows.read_all(observed, judged, an_ask(), "https://langfuse.example")


def found_by_langsmith(chance: random.Random) -> SourceFound:
    stats = {"helpful": {"avg": 1.0, "values": {"a": 1}, "comments": ["c"]}}
    rows = [twisted(row, chance) for row in test_langsmith.a_task(16, 5, feedback_stats=stats)]
    ids = langsmith_rows.newest_traces_of(Pages(rows[:1]), 5)
    runs = langsmith_rows.Runs(Pages(rows[:1]), [(ids, Pages(rows[1:]))], Pages(rows))
    return langsmith_rows.read_runs(runs, an_ask(), "https://smith.example/")


def found_by_datadog(chance: random.Random) -> SourceFound:
    evaluation = {"quality": {"value": 1, "assessment": "pass"}}
    rows = [twisted(row, chance) for row in test_datadog.a_task(1, 5, evaluation=evaluation, metadata={"a": 1})]
    return datadog_rows.read_spans(Pages(rows), an_ask(), "https://app.example")


@pytest.mark.parametrize("find", [found_by_langfuse, found_by_langsmith, found_by_datadog])
def test_whatever_stands_in_whichever_field_the_other_rows_are_read(find: Any) -> None:
    chance = random.Random(11)  # noqa: S311 - a story, no secret
    traces = 0
    for _ in range(300):
        found = find(chance)
        traces += len(found.traces)
        assert "\0" not in str(found.links)
        str(found).encode()
        assert all(score.value is None or abs(score.value) < 2**63 for score in found.scores)
    assert traces > 50


@pytest.mark.parametrize(
    ("said", "ours"),
    [
        ("019cdd82-6584-74c0-82f5-3dc7bf5582d6", "019cdd82658474c082f53dc7bf5582d6"),
        ("6903738200000000AF2D3775DFC70530", "6903738200000000af2d3775dfc70530"),
    ],
)
def test_ids_of_opentelemetry_and_uuids_stay_recognisable(said: str, ours: str) -> None:
    assert trace_id_of(said) == ours
    assert span_id_of(said) == ours[16:]


def test_a_decimal_span_id_is_the_number_it_says() -> None:
    assert span_id_of("14624140233640368324") == f"{14624140233640368324:016x}"
    assert span_id_of("7") == "0000000000000007"


@pytest.mark.parametrize("said", ["my-trace", "", "²", "9" * 40, HOSTILE, "\uff21" * 32])
def test_any_other_id_gets_one_of_our_form_and_always_the_same(said: str) -> None:
    for ids, length in ((trace_id_of, 32), (span_id_of, 16)):
        assert ids(said) == ids(said)
        assert len(ids(said)) == length
        assert set(ids(said)) <= set("0123456789abcdef")


def test_moments_are_exact_and_in_utc() -> None:
    assert nanoseconds("2026-11-02T12:00:00Z") == nanoseconds("2026-11-02T14:00:00+02:00") == NOON_NS
    assert nanoseconds("2026-11-02T12:00:00") == NOON_NS
    assert nanoseconds("2026-11-02T12:00:00.000001Z") == NOON_NS + 1000
    assert iso(NOON_NS + 1000) == "2026-11-02T12:00:00.000001Z"


@pytest.mark.parametrize("said", [None, 5, "", "soon", "1969-12-31T00:00:00Z", "9999-12-31T23:59:59Z"])
def test_no_moment_of_our_time_makes_a_row_unreadable(said: object) -> None:
    with pytest.raises(Unreadable):
        nanoseconds(said)


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("ValueError: no such order", "ValueError"),
        ("  httpx.ReadTimeout('x')", "httpx.ReadTimeout"),
        ("RateLimitError('slow down')Traceback", "RateLimitError"),
        ("the ValueError came later", ""),
        ("<b>Error</b>", ""),
        ("", ""),
    ],
)
def test_an_error_is_named_only_where_its_message_begins_with_it(message: str, kind: str) -> None:
    assert error_type_in(message) == kind
