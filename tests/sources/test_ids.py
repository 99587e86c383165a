"""Which ids a span may carry."""

from typing import Any

import pytest

from bot.sources.otlp import JSON, decode
from tests.sources.requests import SPAN_ID, TRACE_ID, span, traces


@pytest.mark.parametrize(
    "fields",
    [
        {"traceId": "ab " * 10 + "ab"},
        {"traceId": "0" * 32},
        {"traceId": "x" * 32},
        {"traceId": "٣" * 32},
        {"traceId": TRACE_ID[:-2]},
        {"spanId": " " + SPAN_ID[:-1]},
        {"spanId": ""},
    ],
)
def test_an_id_that_is_none_is_counted_as_rejected_and_its_neighbour_kept(fields: dict[str, Any]) -> None:
    decoded = decode(traces(span(**fields), span()), JSON, "", "traces")
    assert [kept.trace_id for kept in decoded.spans] == [TRACE_ID]
    assert decoded.accepted.rejected == 1


def test_ids_in_capitals_are_the_same_ids() -> None:
    decoded = decode(traces(span(traceId=TRACE_ID.upper(), spanId=SPAN_ID.upper())), JSON, "", "traces")
    assert [(kept.trace_id, kept.span_id) for kept in decoded.spans] == [(TRACE_ID, SPAN_ID)]
