"""The runbook's message in an incident's channel, remembered so that it is edited in place."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; rooms from before get the message with their next change."""
    for name in ("checklist_ts", "checklist_digest"):
        op.add_column("rooms", sa.Column(name, sa.Text, nullable=False, server_default=""))
