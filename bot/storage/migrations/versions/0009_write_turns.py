"""Who writes to a control plane now, one at a time for each agent and kind."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "write_turns",
        sa.Column("lane", sa.Text(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True)),
        sa.PrimaryKeyConstraint("lane", name="pk_write_turns"),
    )


def downgrade() -> None:
    """Drop it."""
    op.drop_table("write_turns")
