"""What a list says of each task, beside its row, so that its steps need not be read for it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it, empty: of the tasks that are there already it is worked out from their steps, as before."""
    op.add_column("traces", sa.Column("head", sa.Text))


def downgrade() -> None:
    """Drop it."""
    op.drop_column("traces", "head")
