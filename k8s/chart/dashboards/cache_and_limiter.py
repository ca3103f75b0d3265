"""The two-tier cache and the rate limiter, which share a Redis and go on without it."""

from k8s.chart.dashboards.model import Dashboard, Row, lines, lines_by, number, stack_by
from k8s.chart.dashboards.promql import or_zero, quantile, rate, select, total

LOOK_UPS = "users_api_cache_requests_total"
LEASES = "users_api_rate_limit_leases_total"
PERMITS = "users_api_rate_limit_permits_total"
HIT = 'tier=~"l1|l2|stale"'

AT_A_GLANCE = Row(
    "At a glance",
    (
        number(
            "Answered from the cache",
            "Share of look-ups that needed no load from the source.",
            "percentunit",
            f"{rate(LOOK_UPS, HIT)} / {rate(LOOK_UPS)}",
            warn_at=0.9,
            alarm_at=0.5,
            low_is_bad=True,
        ),
        number(
            "Refused",
            "Requests above their client's limit, answered with 429.",
            "reqps",
            rate("users_api_rate_limit_denied_total"),
        ),
        number(
            "Decided without Redis",
            "Limits decided on each replica's own share because Redis could not be asked.",
            "reqps",
            rate("users_api_rate_limit_degraded_total"),
            warn_at=0.001,
            alarm_at=1,
        ),
        number(
            "Replicas that hear of writes",
            "Share of replicas whose invalidation channel is up; the others serve their own copies until these expire.",
            "percentunit",
            f"avg({select('users_api_cache_invalidation_channel_up')})",
            warn_at=1,
            alarm_at=0.5,
            low_is_bad=True,
        ),
    ),
)

CACHE = Row(
    "Cache",
    (
        stack_by(
            "tier",
            "Look-ups by tier",
            "Is it answered from the replica's memory (l1), from Redis (l2), from an old entry, or not at all?",
            "reqps",
            rate(LOOK_UPS, by="tier"),
        ),
        stack_by(
            "outcome",
            "Loads from the source",
            "What the cache does not keep away from the source, by outcome.",
            "ops",
            or_zero(rate("users_api_cache_loads_total", by="outcome"), label="outcome"),
        ),
        lines(
            "Loads repeated",
            "Loads that were older than what was known already, and were asked of the primary again.",
            "ops",
            again=rate("users_api_cache_reloads_total"),
        ),
        lines(
            "Time of a load",
            "What a miss costs its client.",
            "s",
            p50=or_zero(quantile(0.5, "users_api_cache_load_seconds")),
            p95=or_zero(quantile(0.95, "users_api_cache_load_seconds")),
        ),
        stack_by(
            "reason",
            "Background refreshes",
            "Entries renewed before anybody had to wait, by why.",
            "ops",
            or_zero(rate("users_api_cache_refreshes_total", by="reason"), label="reason"),
        ),
        lines_by(
            "pod",
            "Memory of the first tier",
            "Is it at its limit on some replica? Then entries are dropped early.",
            "bytes",
            select("users_api_cache_l1_bytes"),
        ),
        lines(
            "Entries dropped",
            "First-tier entries that went to keep within the memory limit.",
            "ops",
            dropped=rate("users_api_cache_l1_evictions_total"),
        ),
        stack_by(
            "direction",
            "Invalidations",
            "Writes told to the other replicas, and heard from them.",
            "ops",
            or_zero(rate("users_api_cache_invalidations_total", by="direction"), label="direction"),
        ),
        stack_by(
            "operation",
            "Errors of the second tier",
            "What could not be read (get, decode: the source answers), kept (put), or told of a write (tell).",
            "ops",
            or_zero(rate("users_api_cache_l2_errors_total", by="operation"), label="operation"),
        ),
    ),
)

LIMITER = Row(
    "Limiter",
    (
        lines_by(
            "pod",
            "Refused by replica",
            "One client at one replica, or all?",
            "reqps",
            rate("users_api_rate_limit_denied_total", by="pod"),
        ),
        stack_by(
            "outcome",
            "Leases asked of Redis",
            "Granted, refused for a client above its limit, or failed for want of Redis.",
            "ops",
            rate(LEASES, by="outcome"),
        ),
        stack_by(
            "kind",
            "Permits",
            "Permits leased, and those given back unused: many of the latter mean leases that are too large.",
            "ops",
            rate(PERMITS, by="kind"),
        ),
        lines(
            "Leases for a request",
            "Trips to Redis that the limiter costs: 1 is no better than asking for each request.",
            "short",
            a_request=f"{rate(LEASES)} / ({rate('http_requests_total')} > 0)",
        ),
        lines_by(
            "pod",
            "Clients known",
            "Limits whose state each replica holds.",
            "short",
            total("users_api_rate_limit_local_keys", by="pod"),
        ),
        lines_by(
            "pod",
            "Decided without Redis, by replica",
            "One replica that cannot reach Redis, or all?",
            "reqps",
            rate("users_api_rate_limit_degraded_total", by="pod"),
        ),
    ),
)

DASHBOARD = Dashboard(
    "cache-and-limiter",
    "Cache and limiter",
    "What is answered from memory, what is refused, and what either asks of Redis.",
    (AT_A_GLANCE, CACHE, LIMITER),
)
