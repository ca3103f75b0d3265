"""PostgreSQL as the service's processes see it: what it answers, what waits for it, and what is turned away."""

from k8s.chart.dashboards.model import Dashboard, Row, lines, lines_by, number, stack_by
from k8s.chart.dashboards.postgresql_pooler import POOLER
from k8s.chart.dashboards.postgresql_server import WITHIN
from k8s.chart.dashboards.promql import or_zero, quantile, rate, select, total

SECONDS = "users_api_database_query_seconds"
STATEMENTS = f"{SECONDS}_count"
AVAILABLE = "users_api_database_available"
FAILURES = "users_api_database_failures_total"
READS = "users_api_database_reads_total"
SHED = "users_api_database_shed_total"
WAIT = "users_api_database_wait_seconds"
# Statements on users and keys, and not those by which the servers are watched.
OF_REQUESTS = 'query=~"(user|key)_.+"'
PRIMARY = 'target="primary"'

AT_A_GLANCE = Row(
    "At a glance",
    (
        number(
            "Replicas that reach the primary",
            "Share of the service's replicas whose circuit breaker is closed; the others answer cached reads only.",
            "percentunit",
            f"avg({select(AVAILABLE, PRIMARY)})",
            warn_at=1,
            alarm_at=0.5,
            low_is_bad=True,
        ),
        number(
            "Connections in use",
            "Share of all connections that carry a statement; at 100 % requests wait.",
            "percentunit",
            f"{total('users_api_database_pool_in_use')} / {total('users_api_database_pool_size')}",
            warn_at=0.8,
            alarm_at=1,
        ),
        number(
            "Turned away",
            "Statements refused without being sent, as too many waited or for too long: each is a 503.",
            "ops",
            or_zero(rate(SHED)),
            warn_at=0.001,
            alarm_at=1,
        ),
        number(
            "99 % of statements within",
            "What all but the slowest hundredth take, network and PostgreSQL together.",
            "s",
            quantile(0.99, SECONDS, OF_REQUESTS),
            warn_at=0.05,
            alarm_at=0.25,
        ),
    ),
)

STATEMENT = Row(
    "Statements",
    (
        stack_by(
            "query",
            "Statements by name",
            "What it is asked to do.",
            "ops",
            rate(STATEMENTS, OF_REQUESTS, by="query"),
        ),
        lines(
            "Time of a statement",
            "From sending it to its last row.",
            "s",
            p50=quantile(0.5, SECONDS, OF_REQUESTS),
            p95=quantile(0.95, SECONDS, OF_REQUESTS),
            p99=quantile(0.99, SECONDS, OF_REQUESTS),
        ),
        lines_by(
            "query",
            "95 % of each statement within",
            "Which one is slow?",
            "s",
            quantile(0.95, SECONDS, OF_REQUESTS, by="query"),
        ),
        stack_by(
            "query",
            "Failures by statement",
            "Statements that brought no answer; what the server refused for its content is none.",
            "ops",
            or_zero(rate(FAILURES, by="query"), label="query"),
        ),
        stack_by(
            "reason",
            "Failures by reason",
            "Is it away (connection, failover) or closed (refused), slow (timeout), out of disk or memory (exhausted), "
            "or not migrated (schema)?",
            "ops",
            or_zero(rate(FAILURES, by="reason"), label="reason"),
        ),
        stack_by(
            "query",
            "Second tries of statements",
            "Those sent once more after a failure that leaves nothing behind.",
            "ops",
            or_zero(rate("users_api_database_retries_total", by="query"), label="query"),
        ),
    ),
)

POOL = Row(
    "Connections",
    (
        lines(
            "Connections of all replicas",
            "Must fit the server's max_connections; when all that may be are in use, requests wait.",
            "short",
            in_use=total("users_api_database_pool_in_use"),
            idle=total("users_api_database_pool_idle"),
            most=total("users_api_database_pool_size"),
        ),
        lines_by(
            "pod",
            "Connections in use by replica",
            "Is the load on one?",
            "short",
            total("users_api_database_pool_in_use", by="pod"),
        ),
        lines_by(
            "pod",
            "Requests that wait",
            "For a connection; a line that stays up is an overload.",
            "short",
            total("users_api_database_pool_waiting", by="pod"),
        ),
        lines(
            "Time waited for a connection",
            "By those who had to wait, in vain or not.",
            "s",
            p50=or_zero(f"({quantile(0.5, WAIT)} >= 0)"),  # of nobody it is no number
            p95=or_zero(f"({quantile(0.95, WAIT)} >= 0)"),
        ),
        lines(
            "Share that waits",
            "Of all statements; near 1 the pool is too small, or PostgreSQL too slow.",
            "percentunit",
            waits=or_zero(f"{rate(f'{WAIT}_count')} / ({rate(STATEMENTS, OF_REQUESTS)} > 0)"),
        ),
        stack_by(
            "refusal",
            "Turned away by why",
            "Too many waited already (full), or none came free in time (waited).",
            "ops",
            or_zero(rate(SHED, by="refusal"), label="refusal"),
        ),
    ),
)

SERVERS = Row(
    "Servers",
    (
        lines_by(
            "target",
            "Breaker closed by server",
            "Share of replicas that let statements through to it.",
            "percentunit",
            f"avg by (target) ({select(AVAILABLE)})",
        ),
        stack_by(
            "state",
            "Changes of breakers in five minutes",
            "Do they open and close in turn?",
            "short",
            or_zero(
                f"sum by (state) (increase({select('users_api_database_breaker_transitions_total')}[5m]))",
                label="state",
            ),
        ),
        stack_by(
            "target",
            "Statements by server",
            "The primary takes writes and what must be fresh; other servers are its replicas.",
            "ops",
            rate(STATEMENTS, OF_REQUESTS, by="target"),
        ),
    ),
)

READS_FROM_REPLICAS = Row(
    "Replicas of the database",
    (
        stack_by(
            "target",
            "Reads by server",
            "Do its replicas take the reads off the primary?",
            "ops",
            or_zero(rate(READS, by="target"), label="target"),
        ),
        stack_by(
            "age",
            "Reads by age",
            "Of the primary (now), of a replica in time (bounded), or of any while the primary is away (unbounded).",
            "ops",
            or_zero(rate(READS, by="age"), label="age"),
        ),
        lines_by(
            "target",
            "Behind the primary",
            "What a replica lacks at most, as the replica of the service that sees it latest has it.",
            "s",
            f"max by (target) ({select('users_api_database_replica_staleness_seconds')})",
        ),
        stack_by(
            "reason",
            "Left alone for a second",
            "Replicas that were too far behind (lag), or brought no answer (failure).",
            "ops",
            or_zero(rate("users_api_database_replica_rests_total", by="reason"), label="reason"),
        ),
    ),
)

DASHBOARD = Dashboard(
    "postgresql",
    "PostgreSQL",
    "What the service asks of its database, what waits for it, what is turned away, and what the servers say.",
    (AT_A_GLANCE, STATEMENT, POOL, SERVERS, READS_FROM_REPLICAS, POOLER, WITHIN),
)
