"""Redis, seen by the service that calls it and by its own exporter."""

from k8s.chart.dashboards.model import Dashboard, Row, lines, lines_by, number, stack_by
from k8s.chart.dashboards.promql import REDIS_PODS, or_zero, quantile, rate, select, total

ROUND_TRIP = "users_api_redis_batch_seconds"


def _server(metric: str) -> str:
    """Return a gauge of the server's; one Redis, so one value."""
    return f"max({select(f'redis_{metric}', pods=REDIS_PODS)})"


def _server_rate(metric: str, *, by: str = "") -> str:
    return rate(f"redis_{metric}", by=by, pods=REDIS_PODS)


COMMANDS = _server_rate("commands_total", by="cmd")

AT_A_GLANCE = Row(
    "At a glance",
    (
        number(
            "Replicas that reach it",
            "Share of replicas whose circuit breaker is closed; the others answer from their own memory.",
            "percentunit",
            f"avg({select('users_api_redis_available')})",
            warn_at=1,
            alarm_at=0.5,
            low_is_bad=True,
        ),
        number(
            "Up",
            "1 while the exporter beside it gets an answer.",
            "bool_yes_no",
            _server("up"),
            warn_at=1,
            alarm_at=0.5,
            low_is_bad=True,
        ),
        number(
            "Memory of what it may use",
            "At 100 % the least recently used entries go: limits and cache are forgotten early.",
            "percentunit",
            f"{_server('memory_used_bytes')} / ({_server('memory_max_bytes')} > 0)",
            warn_at=0.9,
            alarm_at=1,
        ),
        number("Up since", "Time since its start, at which it was empty.", "s", _server("uptime_in_seconds")),
    ),
)

CLIENT = Row(
    "From the service",
    (
        lines_by(
            "pod",
            "Breaker closed",
            "1 while a replica calls Redis, 0 while it has given up on it.",
            "short",
            select("users_api_redis_available"),
        ),
        lines(
            "Round trip",
            "Time of one batch of commands, network and Redis together.",
            "s",
            p50=quantile(0.5, ROUND_TRIP),
            p95=quantile(0.95, ROUND_TRIP),
            p99=quantile(0.99, ROUND_TRIP),
        ),
        lines(
            "Trips and commands",
            "How many commands share a trip: the distance between the lines.",
            "ops",
            trips=rate(f"{ROUND_TRIP}_count"),
            commands=rate("users_api_redis_commands_total"),
        ),
        stack_by(
            "reason",
            "Failures",
            "Trips that failed, by why; reads are tried once more.",
            "ops",
            or_zero(rate("users_api_redis_failures_total", by="reason"), label="reason"),
        ),
        lines(
            "Second tries",
            "Reads sent again after a failure.",
            "ops",
            again=rate("users_api_redis_retries_total"),
        ),
        stack_by(
            "state",
            "Breaker changes in five minutes",
            "Does it open and close in turn?",
            "short",
            or_zero(
                f"sum by (state) (increase({select('users_api_redis_breaker_transitions_total')}[5m]))", label="state"
            ),
        ),
        lines(
            "Connections in use",
            "At the size of the pool calls wait for one another.",
            "short",
            in_use=total("users_api_redis_batches_in_flight"),
            pool=total("users_api_redis_pool_size"),
        ),
    ),
)

SERVER = Row(
    "From Redis",
    (
        stack_by(
            "cmd",
            "Commands",
            "What it is asked to do.",
            "ops",
            COMMANDS,
        ),
        lines_by(
            "cmd",
            "Time of a command",
            "Mean time in Redis: a slow one holds up all others.",
            "s",
            f"{_server_rate('commands_duration_seconds_total', by='cmd')} / ({COMMANDS} > 0)",
        ),
        lines(
            "Memory",
            "Does the data fit?",
            "bytes",
            used=_server("memory_used_bytes"),
            most=_server("memory_max_bytes"),
            of_the_process=_server("memory_used_rss_bytes"),
        ),
        lines(
            "Keys",
            "Cache entries and limits.",
            "short",
            keys=total("redis_db_keys", pods=REDIS_PODS),
            that_expire=total("redis_db_keys_expiring", pods=REDIS_PODS),
        ),
        lines(
            "Keys gone",
            "Expired as they should, or evicted for want of memory.",
            "ops",
            expired=_server_rate("expired_keys_total"),
            evicted=_server_rate("evicted_keys_total"),
        ),
        lines(
            "Keys found",
            "Share of reads whose key was there.",
            "percentunit",
            found=f"{_server_rate('keyspace_hits_total')} / "
            f"({_server_rate('keyspace_hits_total')} + {_server_rate('keyspace_misses_total')} > 0)",
        ),
        lines(
            "Clients",
            "Connections held open, and those that wait.",
            "short",
            connected=_server("connected_clients"),
            blocked=_server("blocked_clients"),
        ),
        lines(
            "CPU",
            "Cores it uses; it runs commands on one.",
            "short",
            user=_server_rate("cpu_user_seconds_total"),
            system=_server_rate("cpu_sys_seconds_total"),
        ),
        lines(
            "Network",
            "Bytes to and from it.",
            "Bps",
            received=_server_rate("net_input_bytes_total"),
            sent=_server_rate("net_output_bytes_total"),
        ),
        lines(
            "Connections refused",
            "Clients turned away at maxclients.",
            "cps",
            refused=_server_rate("rejected_connections_total"),
        ),
    ),
)

DASHBOARD = Dashboard(
    "redis",
    "Redis",
    "Redis from both ends: how the service's calls go, and what the server has to do.",
    (AT_A_GLANCE, CLIENT, SERVER),
)
