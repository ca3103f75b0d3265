"""An index on the new column."""

from alembic import op

revision = "expand_9003"
down_revision = "expand_9002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make it beside all that goes on. It waits for older transactions, and nobody waits for it."""
    with op.get_context().autocommit_block():
        op.execute("SET lock_timeout = 0")
        # By one process: more of them take the other cores too, from those who are served.
        op.execute("SET max_parallel_maintenance_workers = 0")
        # One that was broken off is there, and of no use.
        op.execute("DROP INDEX CONCURRENTLY IF EXISTS users_nickname")
        op.execute("CREATE INDEX CONCURRENTLY users_nickname ON users (nickname)")
