"""What the new column holds of those who are there already."""

import time

from alembic import op
from sqlalchemy import text

revision = "expand_9002"
down_revision = "expand_9001"
branch_labels = None
depends_on = None

ROWS = 500
# As long as it takes, and none of it at the cost of those who are served meanwhile: with 2,000 rows at once they waited
# for a core.
PAUSE_SECONDS = 0.05


def upgrade() -> None:
    """Fill it in, a few rows in each transaction; who begins anew goes through all again."""
    with op.get_context().autocommit_block():
        connection = op.get_bind()
        last = connection.scalar(text("SELECT coalesce(max(id), 0) FROM users"))
        for start in range(1, last + 1, ROWS):
            connection.execute(
                text("UPDATE users SET nickname = lower(name) WHERE id BETWEEN :first AND :last AND nickname IS NULL"),
                {"first": start, "last": start + ROWS - 1},
            )
            time.sleep(PAUSE_SECONDS)
