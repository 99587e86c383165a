"""Instances of agents as each process has heard of them, so that all processes count the same deliveries."""

import sqlalchemy as sa
from alembic import op

from bot.storage.tables import UtcDateTime

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "agent_instances",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("instance", sa.Text(), nullable=False),
        sa.Column("process", sa.String(40), nullable=False),
        sa.Column("scope", sa.JSON(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("since", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("agent", "instance", "process", name="pk_agent_instances"),
    )
    op.create_index("ix_agent_instances_last_at", "agent_instances", ["last_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_table("agent_instances")
