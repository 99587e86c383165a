"""Loading against stores that are busy, away, or refuse one of many requests."""

import io
import json
from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest
from sqlalchemy.exc import DataError

from bot.app.ingesting import SPANS_A_COMMIT, ingest
from bot.incident.errors import Unavailable
from bot.incident.logged_messages import NO_MESSAGES, LoggedMessages, Place
from bot.incident.telemetry import EvalScore, Span
from bot.ports import TelemetryStore
from bot.sources.otlp_files import OtlpFile
from tests.sources.requests import SPAN_ID, TRACE_ID, any_value, logs, span, traces


class Moody(TelemetryStore):
    """Is busy a number of times first, and refuses commits that hold a span of a certain name."""

    def __init__(self, busy: int = 0, refused: str = "") -> None:
        self.busy = busy
        self.refused = refused
        self.commits: list[int] = []
        self.told: list[str] = []

    async def add(
        self,
        spans: Sequence[Span],
        scores: Sequence[EvalScore],
        messages: Mapping[Place, LoggedMessages] = NO_MESSAGES,
    ) -> None:
        assert not scores
        if self.busy:
            self.busy -= 1
            raise Unavailable("The telemetry store is busy; send it again.", timedelta(0))
        if any(one.name == self.refused for one in spans):
            raise DataError("INSERT", {}, ValueError("no"))
        self.commits.append(len(spans))
        self.told += [span_id for _, span_id in messages]


def lines(*names: str) -> OtlpFile:
    body = b"\n".join(traces(span(name=name)) for name in names)
    return OtlpFile("x.jsonl", io.BytesIO(body), len(body))


async def test_small_requests_share_a_commit(capsys: pytest.CaptureFixture[str]) -> None:
    store = Moody()
    assert await ingest(store, [lines(*["step"] * (SPANS_A_COMMIT + 10))], as_json=True) == 0
    assert store.commits == [SPANS_A_COMMIT, 10]
    said = json.loads(capsys.readouterr().out)
    assert (said["requests"], said["spans"]) == (SPANS_A_COMMIT + 10, SPANS_A_COMMIT + 10)


async def test_a_busy_store_is_asked_again() -> None:
    store = Moody(busy=3)
    assert await ingest(store, [lines("one", "two")], as_json=False) == 0
    assert store.commits == [2]


async def test_a_store_that_stays_away_ends_it_with_what_was_stored(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(Unavailable):
        await ingest(Moody(busy=10**6), [lines("one")], as_json=False)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("Not finished. 0 spans")


async def test_one_request_the_database_refuses_does_not_take_the_others_along(
    capsys: pytest.CaptureFixture[str],
) -> None:
    store = Moody(refused="odd")
    assert await ingest(store, [lines("one", "odd", "two")], as_json=False) == 1
    assert store.commits == [1, 1]
    said = capsys.readouterr()
    assert "x.jsonl:2: the database does not take what it holds." in said.err
    assert "2 spans and 0 scores of 2 requests are stored" in said.out
    assert "1 request could not be read" in said.out


async def test_messages_in_log_records_are_loaded_and_counted(capsys: pytest.CaptureFixture[str]) -> None:
    record = {"eventName": "gen_ai.choice", "timeUnixNano": "5", "traceId": TRACE_ID, "spanId": SPAN_ID}
    body = logs(record | {"body": any_value({"message": {"content": "Shipped."}})})
    store = Moody()
    assert await ingest(store, [OtlpFile("x.jsonl", io.BytesIO(body), len(body))], as_json=False) == 0
    assert store.told == [SPAN_ID]
    said = capsys.readouterr().out
    assert "0 spans, messages of 1 span in log records, and 0 scores of 1 request are stored" in said
