"""Questions to a second person in an incident's channel, remembered so that they show their answer."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; questions posted before keep their buttons, which say that they are answered."""
    op.add_column("rooms", sa.Column("questions", sa.JSON, nullable=False, server_default="{}"))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("rooms", "questions")
