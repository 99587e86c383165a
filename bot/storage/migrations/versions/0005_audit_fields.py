"""What a reviewer of controls asks for beside who, what and when."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

ADDED = (
    ("approver", sa.Text()),
    ("via", sa.Text()),
    ("scope", sa.JSON()),
    ("idempotency_key", sa.Text()),
    ("requests", sa.JSON()),
    ("evidence", sa.JSON()),
)


def upgrade() -> None:
    """Add them empty: rows from before keep their hashes, which were made without them."""
    for name, kind in ADDED:
        op.add_column("control_audit", sa.Column(name, kind))


def downgrade() -> None:
    """Drop them."""
    with op.batch_alter_table("control_audit") as audit:
        for name, _ in ADDED:
            audit.drop_column(name)
