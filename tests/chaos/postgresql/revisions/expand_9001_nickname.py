"""A column that the next version needs."""

from alembic import op

revision = "expand_9001"
down_revision = "expand_0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add it; it is empty, so that no row is written."""
    op.execute('ALTER TABLE users ADD COLUMN nickname text COLLATE "C"')
