"""What log records told of spans that have not arrived yet."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "waiting_messages",
        sa.Column("trace_id", sa.String(32), nullable=False),
        sa.Column("span_id", sa.String(16), nullable=False),
        sa.Column("arrived_ns", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("trace_id", "span_id", name="pk_waiting_messages"),
    )
    op.create_index("waiting_messages_arrived", "waiting_messages", ["arrived_ns"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("waiting_messages")
