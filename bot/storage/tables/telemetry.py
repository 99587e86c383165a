"""Tables of spans, traces and scores. About 1 KB a span; the hot columns are those that are searched or counted."""

from sqlalchemy import BigInteger, Boolean, Column, Float, Index, Integer, String, Table, Text, text

from bot.storage.tables import metadata

spans = Table(
    "spans",
    metadata,
    Column("trace_id", String(32), primary_key=True),
    Column("span_id", String(16), primary_key=True),
    Column("start_ns", BigInteger, nullable=False),
    Column("body", Text, nullable=False),  # the span as JSON
)

waiting_messages = Table(  # what log records told of spans that are not there yet
    "waiting_messages",
    metadata,
    Column("trace_id", String(32), primary_key=True),
    Column("span_id", String(16), primary_key=True),
    Column("arrived_ns", BigInteger, nullable=False),
    Column("body", Text, nullable=False),
    Index("waiting_messages_arrived", "arrived_ns"),
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
    Column("failed", Integer, nullable=False, server_default="0"),  # 0 or 1, as the next three, so that they add up
    Column("model_failed", Integer, nullable=False, server_default="0"),  # -1: it called no model
    Column("looping", Integer, nullable=False, server_default="0"),  # -1: it took no step
    Column("escalated", Integer, nullable=False, server_default="0"),
    Column("tool_calls", Integer, nullable=False, server_default="0"),
    Column("tool_errors", Integer, nullable=False, server_default="0"),
    Column("size", Integer, nullable=False, server_default="0"),  # bytes, about, of the trace with its spans
    Column("reading", Text),  # the task reduced to what signals count, as JSON
    Column("head", Text),  # the task as lists show it, as JSON
    Index("traces_of_agent", "agent", "start_ns"),
    Index("traces_started", "start_ns", "agent"),
    Index("traces_arrived", "arrived_ns"),
    Index(
        "traces_failed",
        "agent",
        "start_ns",
        sqlite_where=text("failed = 1"),
        postgresql_where=text("failed = 1"),
    ),
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

hours = Table(  # what was usual, kept when the traces of that hour are forgotten
    "hours",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("hour", Integer, primary_key=True),  # hours since the epoch
    Column("signal", Text, primary_key=True),
    Column("bad", Integer, nullable=False),
    Column("seen", Integer, nullable=False),
)

announced_changes = Table(
    "announced_changes",
    metadata,
    Column("key", Text, primary_key=True),
    Column("agent", Text, nullable=False),  # empty: every agent
    Column("environment", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("before", Text),
    Column("after", Text, nullable=False),
    Column("at_ns", BigInteger, nullable=False),
    Index("announced_changes_at", "at_ns"),
)
