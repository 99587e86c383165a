"""Incidents, controls, the outbox, rooms and deliveries."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from bot.storage.tables import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

MOMENT = UtcDateTime()
GROWING = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables of incidents."""
    _incidents()
    _controls()
    _rooms()
    _deliveries()


def downgrade() -> None:
    """Drop them."""
    for table in (
        "deliveries",
        "rooms",
        "outbox",
        "control_audit",
        "agent_revisions",
        "mitigations",
        "snapshots",
        "events",
        "incident_numbers",
        "incidents",
    ):
        op.drop_table(table)


def only(condition: str) -> dict[str, Any]:
    """A partial index, in the words of both databases."""
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def _incidents() -> None:
    op.create_table(
        "incidents",
        sa.Column("number", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(20), nullable=False),
        sa.Column("idempotency_key", sa.Text, nullable=False),
        sa.Column("title", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("declared_at", MOMENT, nullable=False),
        sa.Column("declared_by_id", sa.Text, nullable=False),
        sa.Column("declared_by_name", sa.Text, nullable=False),
        sa.Column("private", sa.Boolean, nullable=False),
        sa.Column("test", sa.Boolean, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_incidents"),
        sa.UniqueConstraint("idempotency_key", name="uq_incidents_idempotency_key"),
        sa.UniqueConstraint("key", name="uq_incidents_key"),
    )
    op.create_table(
        "incident_numbers",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("last", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_incident_numbers"),
    )
    op.create_table(
        "events",
        sa.Column("incident", sa.String(20), nullable=False),
        sa.Column("seq", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("by_id", sa.Text, nullable=False),
        sa.Column("by_name", sa.Text, nullable=False),
        sa.Column("kind", sa.String(60), nullable=False),
        sa.Column("fact", sa.JSON, nullable=False),
        sa.Column("idempotency_key", sa.Text),
        sa.ForeignKeyConstraint(["incident"], ["incidents.key"], name="fk_events_incident_incidents"),
        sa.PrimaryKeyConstraint("incident", "seq", name="pk_events"),
    )
    op.create_index("events_once", "events", ["incident", "idempotency_key"], unique=True)
    op.create_table(
        "snapshots",
        sa.Column("id", sa.String(20), nullable=False),
        sa.Column("incident", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_snapshots"),
    )
    op.create_index("ix_snapshots_incident", "snapshots", ["incident"])


def _controls() -> None:
    op.create_table(
        "mitigations",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("incident", sa.String(20), nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("live", sa.Boolean, nullable=False),
        sa.Column("applied_at", MOMENT, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.Column("mitigation", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_mitigations"),
    )
    op.create_index("ix_mitigations_live", "mitigations", ["live"])
    op.create_table(
        "agent_revisions",
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("agent", name="pk_agent_revisions"),
    )
    op.create_table(
        "control_audit",
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("revision", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("before", sa.JSON),
        sa.Column("after", sa.JSON, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("incident", sa.String(20), nullable=False),
        sa.Column("mitigation", sa.String(40), nullable=False),
        sa.Column("previous_hash", sa.String(64), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("agent", "revision", name="pk_control_audit"),
    )
    op.create_index("ix_control_audit_incident", "control_audit", ["incident"])


def _rooms() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", GROWING, nullable=False),
        sa.Column("incident", sa.String(20), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("key", sa.Text),
        sa.Column("payload", sa.JSON, nullable=False),
        sa.Column("done", sa.Boolean, nullable=False),
        sa.Column("due_at", MOMENT),
        sa.Column("leased_until", MOMENT),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("last_error", sa.Text),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("outbox_once", "outbox", ["incident", "kind", "key"], unique=True)
    op.create_index("outbox_waiting", "outbox", ["incident", "id"], **only("NOT done"))
    op.create_table(
        "rooms",
        sa.Column("incident", sa.String(20), nullable=False),
        sa.Column("channel_id", sa.String(40), nullable=False),
        sa.Column("channel_name", sa.Text, nullable=False),
        sa.Column("card_ts", sa.Text, nullable=False),
        sa.Column("card_digest", sa.Text, nullable=False),
        sa.Column("steps", sa.JSON, nullable=False),
        sa.PrimaryKeyConstraint("incident", name="pk_rooms"),
    )
    op.create_index("ix_rooms_channel_id", "rooms", ["channel_id"])


def _deliveries() -> None:
    op.create_table(
        "deliveries",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("received_us", sa.BigInteger, nullable=False),
        sa.Column("handled", sa.Boolean, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_deliveries"),
    )
    op.create_index("deliveries_open", "deliveries", ["received_us"], **only("NOT handled"))
