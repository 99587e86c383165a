"""Readings beside traces, what is usual by the hour, and announced changes."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

COUNTS = ("failed", "model_failed", "looping", "escalated", "tool_calls", "tool_errors", "size")


def upgrade() -> None:
    """Add the columns and tables. Traces from before are read from their spans, as they always were."""
    for name in COUNTS:
        op.add_column("traces", sa.Column(name, sa.Integer, nullable=False, server_default="0"))
    op.add_column("traces", sa.Column("reading", sa.Text))
    failed = sa.text("failed = 1")
    op.create_index("traces_failed", "traces", ["agent", "start_ns"], sqlite_where=failed, postgresql_where=failed)
    op.create_table(
        "hours",
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("hour", sa.Integer, nullable=False),
        sa.Column("signal", sa.Text, nullable=False),
        sa.Column("bad", sa.Integer, nullable=False),
        sa.Column("seen", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("agent", "hour", "signal", name="pk_hours"),
    )
    op.create_table(
        "announced_changes",
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("agent", sa.Text, nullable=False),
        sa.Column("environment", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("before", sa.Text),
        sa.Column("after", sa.Text, nullable=False),
        sa.Column("at_ns", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_announced_changes"),
    )
    op.create_index("announced_changes_at", "announced_changes", ["at_ns"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("announced_changes")
    op.drop_table("hours")
    op.drop_index("traces_failed", "traces")
    with op.batch_alter_table("traces") as traces:
        for name in (*COUNTS, "reading"):
            traces.drop_column(name)
