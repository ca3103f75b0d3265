"""PostgreSQL as its own exporters see it, where the release has the servers itself; and its backups."""

from k8s.chart.dashboards.model import Row, lines, lines_by, number
from k8s.chart.dashboards.promql import BACKUP, POSTGRESQL_PODS, rate, select, total


def _server(metric: str, *, by: str = "pod") -> str:
    """Return a gauge of each of the release's own servers, or of another label's values."""
    return f"max by ({by}) ({select(f'pg_{metric}', pods=POSTGRESQL_PODS)})"


def _server_rate(metric: str, *, by: str = "pod") -> str:
    return rate(f"pg_{metric}", by=by, pods=POSTGRESQL_PODS)


OPEN = total("pg_stat_activity_count", by="pod", pods=POSTGRESQL_PODS)
ROOM = f"({_server('settings_max_connections')} - {_server('settings_superuser_reserved_connections')})"
FOUND, READ = _server_rate("stat_database_blks_hit"), _server_rate("stat_database_blks_read")

WITHIN = Row(
    "From within (postgresql.mode=bundled)",
    (
        lines_by(
            "pod",
            "Up",
            "1 while the exporter beside a server can log in to it.",
            "short",
            _server("up"),
        ),
        lines_by(
            "pod",
            "Open of the connections there are",
            "Share of max_connections, less those kept for superusers; at 100 % nobody else gets in.",
            "percentunit",
            f"{OPEN} / {ROOM}",
        ),
        lines_by(
            "pod",
            "Oldest transaction",
            "One that stays open keeps dead rows and the log, and a migration waits for it.",
            "s",
            _server("stat_activity_max_tx_duration"),
        ),
        lines(
            "Transactions a second",
            "Of all servers; many that are rolled back are conflicts, or errors.",
            "ops",
            committed=rate("pg_stat_database_xact_commit", pods=POSTGRESQL_PODS),
            rolled_back=rate("pg_stat_database_xact_rollback", pods=POSTGRESQL_PODS),
        ),
        lines_by(
            "pod",
            "Blocks found in memory",
            "Share that was not read from the disk, or at least not by PostgreSQL.",
            "percentunit",
            f"{FOUND} / ({FOUND} + {READ} > 0)",
        ),
        lines_by(
            "relname",
            "Whole tables read a second",
            "Statements that found no index, by table; of a large table none should.",
            "ops",
            _server_rate("stat_user_tables_seq_scan", by="relname"),
        ),
        lines(
            "Rows",
            "Dead ones wait for the vacuum; where they grow with the time, it does not keep up.",
            "short",
            live=f"max({select('pg_stat_user_tables_n_live_tup', pods=POSTGRESQL_PODS)})",
            dead=f"max({select('pg_stat_user_tables_n_dead_tup', pods=POSTGRESQL_PODS)})",
        ),
        lines(
            "Bytes on the disk",
            "Tables and log of the server that has most; a log that grows is kept for a replica that is away.",
            "bytes",
            tables=f"max(sum by (pod) ({select('pg_database_size_bytes', pods=POSTGRESQL_PODS)}))",
            log=f"max({select('pg_wal_size_bytes', pods=POSTGRESQL_PODS)})",
        ),
        lines_by(
            "application_name",
            "Log that a replica lacks",
            "As the primary sees it; a replica that is away has no line.",
            "bytes",
            _server("stat_replication_pg_wal_lsn_diff", by="application_name"),
        ),
        lines(
            "Deadlocks and spills in five minutes",
            "Transactions ended as each waited for the other, and files that a sort wrote as memory was too small.",
            "short",
            deadlocks=f"sum(increase({select('pg_stat_database_deadlocks', pods=POSTGRESQL_PODS)}[5m]))",
            files=f"sum(increase({select('pg_stat_database_temp_files', pods=POSTGRESQL_PODS)}[5m]))",
        ),
        number(
            "Age of the last good backup",
            "Since it was made; before the first, since the CronJob was.",
            "s",
            f"time() - max({select('kube_cronjob_status_last_successful_time', pods=BACKUP)}"
            f" or {select('kube_cronjob_created', pods=BACKUP)})",
        ),
    ),
)
