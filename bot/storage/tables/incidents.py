"""Tables of incidents, what happened in them, and what is still to be done for them."""

from sqlalchemy import JSON, BigInteger, Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from bot.storage.tables import UtcDateTime, metadata

KEY = String(20)  # "INC-7"
GROWING = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows only in a plain INTEGER

incidents = Table(
    "incidents",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("key", KEY, nullable=False, unique=True),
    Column("idempotency_key", Text, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("declared_at", UtcDateTime, nullable=False),
    Column("declared_by_id", Text, nullable=False),
    Column("declared_by_name", Text, nullable=False),
    Column("private", Boolean, nullable=False),
    Column("test", Boolean, nullable=False),
)

incident_numbers = Table(  # one row, locked by whoever declares
    "incident_numbers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("last", Integer, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("incident", KEY, ForeignKey("incidents.key"), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("by_id", Text, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("kind", String(60), nullable=False),
    Column("fact", JSON, nullable=False),
    Column("idempotency_key", Text),
    Index("events_once", "incident", "idempotency_key", unique=True),
    Index("events_of_kind", "kind", "at"),
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", Text, primary_key=True),
    Column("fingerprint", String(64), nullable=False),  # SHA-256 of the request
    Column("at", UtcDateTime, nullable=False, index=True),
    Column("until", UtcDateTime),  # somebody works on it until then
    Column("answer", JSON(none_as_null=True)),
)

mitigations = Table(
    "mitigations",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("incident", KEY, nullable=False),
    Column("agent", Text, nullable=False),
    Column("live", Boolean, nullable=False, index=True),
    Column("applied_at", UtcDateTime, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("mitigation", JSON, nullable=False),
)

agent_revisions = Table(
    "agent_revisions",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("revision", Integer, nullable=False),
)

agent_instances = Table(  # as each process of ours has heard of them
    "agent_instances",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("instance", Text, primary_key=True),
    Column("process", String(40), primary_key=True),
    Column("scope", JSON, nullable=False),
    Column("last_at", UtcDateTime, nullable=False, index=True),
    Column("since", JSON, nullable=False),  # mitigation -> microseconds since 1970
)

control_audit = Table(
    "control_audit",
    metadata,
    Column("agent", Text, primary_key=True),
    Column("revision", Integer, primary_key=True, autoincrement=False),
    Column("at", UtcDateTime, nullable=False),
    Column("actor", Text, nullable=False),
    Column("action", Text, nullable=False),
    Column("before", JSON),
    Column("after", JSON, nullable=False),
    Column("reason", Text, nullable=False),
    Column("incident", KEY, nullable=False, index=True),
    Column("mitigation", String(40), nullable=False),
    Column("previous_hash", String(64), nullable=False),
    Column("hash", String(64), nullable=False),
    # Null in rows of older versions, whose hashes were made without them.
    Column("approver", Text),
    Column("via", Text),
    Column("scope", JSON(none_as_null=True)),
    Column("idempotency_key", Text),
    Column("requests", JSON(none_as_null=True)),  # what the control plane called our writes
    Column("evidence", JSON(none_as_null=True)),  # the proof that this change rests on
)

write_turns = Table(
    "write_turns",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("until", UtcDateTime),  # null: nobody writes
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("id", String(20), primary_key=True),
    Column("incident", KEY, nullable=False, index=True),
    Column("kind", String(40), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("body", Text, nullable=False),  # canonical JSON, kept as hashed
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", GROWING, primary_key=True),
    Column("incident", KEY, nullable=False),
    Column("kind", String(20), nullable=False),
    Column("key", Text),  # null: may be queued again and again
    Column("payload", JSON, nullable=False),
    Column("done", Boolean, nullable=False, default=False),
    Column("due_at", UtcDateTime),  # null: at once
    Column("leased_until", UtcDateTime),
    Column("attempts", Integer, nullable=False, default=0),
    Column("last_error", Text),
    Index("outbox_once", "incident", "kind", "key", unique=True),
    Index("outbox_waiting", "incident", "id", sqlite_where=text("NOT done"), postgresql_where=text("NOT done")),
    sqlite_autoincrement=True,  # an id is never given twice, also when the newest row is gone
)

rooms = Table(
    "rooms",
    metadata,
    Column("incident", KEY, primary_key=True),
    Column("channel_id", String(40), nullable=False, index=True),
    Column("channel_name", Text, nullable=False),
    Column("card_ts", Text, nullable=False),
    Column("card_digest", Text, nullable=False),
    Column("steps", JSON, nullable=False),
    Column("checklist_ts", Text, nullable=False, server_default=""),
    Column("checklist_digest", Text, nullable=False, server_default=""),
    Column("questions", JSON, nullable=False, server_default="{}"),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("key", Text, primary_key=True),
    Column("received_us", BigInteger, nullable=False),  # microseconds since 1970
    Column("handled", Boolean, nullable=False, default=False),
    Column("body", Text, nullable=False),
    Index("deliveries_open", "received_us", sqlite_where=text("NOT handled"), postgresql_where=text("NOT handled")),
)
