"""Spans, traces and scores."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables of telemetry."""
    op.create_table(
        "spans",
        sa.Column("trace_id", sa.String(32), nullable=False),
        sa.Column("span_id", sa.String(16), nullable=False),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("trace_id", "span_id", name="pk_spans"),
    )
    op.create_table(
        "traces",
        sa.Column("trace_id", sa.String(32), nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("start_ns", sa.BigInteger, nullable=False),
        sa.Column("end_ns", sa.BigInteger, nullable=False),
        sa.Column("error", sa.Boolean, nullable=False),
        sa.Column("complete", sa.Boolean, nullable=False),
        sa.Column("spans", sa.Integer, nullable=False),
        sa.Column("arrived_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("trace_id", name="pk_traces"),
    )
    op.create_index("traces_of_agent", "traces", ["agent", "start_ns"])
    op.create_index("traces_started", "traces", ["start_ns", "agent"])
    op.create_index("traces_arrived", "traces", ["arrived_ns"])
    op.create_table(
        "scores",
        sa.Column("id", sa.String(32), nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("trace_id", sa.String(32)),
        sa.Column("value", sa.Float),
        sa.Column("passed", sa.Boolean),
        sa.Column("arrived_ns", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_scores"),
    )
    op.create_index("scores_of_agent", "scores", ["agent", "at_ns"])
    op.create_index("scores_arrived", "scores", ["arrived_ns"])
    op.create_index("scores_of_trace", "scores", ["trace_id"])


def downgrade() -> None:
    """Drop them."""
    for table in ("scores", "traces", "spans"):
        op.drop_table(table)
