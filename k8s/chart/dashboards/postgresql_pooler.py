"""PgBouncer as its own exporter sees it, where the release has one before its primary."""

from k8s.chart.dashboards.model import Row, lines, lines_by
from k8s.chart.dashboards.promql import POOLER_PODS, or_zero, select, total

# It counts those who ask itself as a database too.
USERS = 'database!="pgbouncer"'


def _pools(metric: str) -> str:
    """Return a gauge's sum over all pools; 0 where there is no PgBouncer."""
    return or_zero(total(f"pgbouncer_pools_{metric}", USERS, pods=POOLER_PODS))


POOLER = Row(
    "PgBouncer (postgresql.pooler)",
    (
        lines(
            "Clients of PgBouncer",
            "Connections of the service's replicas; those that wait find all connections to the primary in use.",
            "short",
            active=_pools("client_active_connections"),
            waiting=_pools("client_waiting_connections"),
        ),
        lines(
            "PgBouncer's connections to the primary",
            "In a transaction, free, and about to be there; all together at most poolSize for each PgBouncer.",
            "short",
            active=_pools("server_active_connections"),
            idle=or_zero(
                f"sum({select('pgbouncer_pools_server_idle_connections', USERS, pods=POOLER_PODS)}"
                f" + {select('pgbouncer_pools_server_used_connections', USERS, pods=POOLER_PODS)})"
            ),
            logging_in=_pools("server_login_connections"),
        ),
        lines_by(
            "pod",
            "Longest wait at PgBouncer",
            "Of the client who is next; the service gives up long before the 5 s after which PgBouncer does.",
            "s",
            or_zero(
                f"max by (pod) ({select('pgbouncer_pools_client_maxwait_seconds', USERS, pods=POOLER_PODS)})",
                label="pod",
            ),
        ),
    ),
)
