"""Tables of spans, traces and scores. About 1 KB a span; the hot columns are those that are searched."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text

from bot.storage.tables import metadata

spans = Table(
    "spans",
    metadata,
    Column("trace_id", String(32), primary_key=True),
    Column("span_id", String(16), primary_key=True),
    Column("start_ns", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # the span as JSON
)

traces = Table(
    "traces",
    metadata,
    Column("trace_id", String(32), primary_key=True),
    Column("agent", Text, nullable=False),
    Column("start_ns", BigInteger, nullable=False),
    Column("end_ns", BigInteger, nullable=False),
    Column("error", Boolean, nullable=False),
    Column("complete", Boolean, nullable=False),
    Column("spans", Integer, nullable=False),
    Column("arrived_ns", BigInteger, nullable=False),
    Index("traces_of_agent", "agent", "start_ns"),
    Index("traces_started", "start_ns", "agent"),
    Index("traces_arrived", "arrived_ns"),
)

scores = Table(
    "scores",
    metadata,
    Column("id", String(32), primary_key=True),  # hash of what makes it that score: a replay changes nothing
    Column("agent", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("trace_id", String(32)),
    Column("value", Float),
    Column("passed", Boolean),
    Column("arrived_ns", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("scores_of_agent", "agent", "at_ns"),
    Index("scores_arrived", "arrived_ns"),
    Index("scores_of_trace", "trace_id"),
)
