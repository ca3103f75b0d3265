import time
from collections.abc import Mapping, Sequence
from typing import Any

from textual.content import Content

from k8s.client.application import Application
from k8s.client.autoscaler import Autoscaler, Target
from k8s.client.event import Event
from k8s.client.pod import Pod
from loadtests.watch.feed import Feed
from loadtests.watch.glyphs import ago, meter, sparkline
from loadtests.watch.history import History
from loadtests.watch.snapshot import Database, Fleet, Traffic
from service.fleet.staleness import MAX_STALENESS_SECONDS

UNKNOWN = "-"
GOOD, WARN, BAD, DIM = "$text-success", "$text-warning", "bold $text-error", "dim"
# Textual's Content and plain text are made by the same functions, so colour says nothing that no word says.
Lines = list[Content]
# A refresh each second may take this long on a busy host before it is worth a word.
STALE_SECONDS = 5


def replicas(fleet: Fleet, history: History, width: int) -> Lines:
    """How many there are, are wanted and may be, and both over time."""
    scaler = fleet.autoscaler
    bounds = f"of {scaler.minimum} to {scaler.maximum}" if scaler else "no autoscaler"
    top = max(scaler.maximum if scaler else 0, fleet.wanted, fleet.ready)
    style = GOOD if fleet.ready == fleet.wanted else WARN
    lines = [Content.assemble((f"{fleet.ready} ready", style), f", {fleet.wanted} wanted, ", (bounds, DIM))]
    return lines + _lines_over_time(width, top, wanted=history.wanted, ready=history.ready)


def requests(traffic: Traffic, history: History, width: int) -> Lines:
    """Rate by status and how long answers take; of what the application has no series of, why there is none."""
    lacks = history.application.lacks
    by_status = [(status, rate) for status, rate in sorted(traffic.by_status.items()) if status and rate > 0]
    statuses = [(f"  {status}: {_rate(rate)}", _status_style(status)) for status, rate in by_status]
    latency = ", ".join(
        f"{name} {_milliseconds(value)}"
        for name, value in (("p50", traffic.p50_ms), ("p95", traffic.p95_ms), ("p99", traffic.p99_ms))
    )
    rate, status, times = lacks("metrics.requests"), lacks("metrics.status"), lacks("metrics.duration")
    drawn = {} if rate else {"rate": history.rate}
    drawn |= {} if times else {"p95": history.p95_ms}
    return [
        _absent("rate", rate) if rate else Content.assemble((_rate(traffic.rate), "bold"), *statuses),
        *([_absent("status", status)] if status and not rate else ()),
        _absent("latency", times) if times else Content(latency),
        *_lines_over_time(width, None, **drawn),
    ]


def autoscaler(scaler: Autoscaler | None, happened: Sequence[Event], width: int) -> Lines:
    """Its metrics beside their targets, its last move and why, and what hinders it."""
    if scaler is None:
        return [Content("nothing scales this Deployment: autoscaling.engine is none")]
    lines = [_target(target, width) for target in scaler.targets]
    at = scaler.last_scaled_at_s
    moved = "never scaled" if at is None else f"scaled {ago(time.time() - at)} ago"
    for condition in scaler.conditions.values():
        if condition.is_fault:
            lines.append(
                Content.styled(f"{condition.kind}={condition.is_true} {condition.reason}: {condition.message}", BAD)
            )
        elif condition.kind == "ScalingLimited" and condition.is_true:
            moved += f", held at a limit ({condition.reason})"
        elif condition.kind == "AbleToScale":
            moved += f", {condition.reason}"
    decided = next((event.message for event in happened if event.reason == "SuccessfulRescale"), None)
    return [*lines, Content(moved), *([Content(decided)] if decided else [])]


def inside(traffic: Traffic, application: Application) -> Lines:
    """Cache, rate limiter, circuit breaker and database, as the replicas count them."""
    scraped = traffic.oldest_scrape_seconds
    ago_or_less = UNKNOWN if scraped is None else f"{ago(scraped)} ago or less"
    last = Content.styled(f"scraped {ago_or_less}", DIM)
    if lacking := application.lacks("metrics.prefix"):
        return [_absent("cache, limiter, breaker, database", lacking), last]
    tiers = traffic.by_cache_tier
    looked_up = sum(tiers.values())
    named = {"L1": "l1", "L2": "l2", "miss": "miss", "stale": "stale"}
    shares = " ".join(f"{name} {_percent(tiers.get(tier, 0), looked_up)}" for name, tier in named.items())
    refused, degraded = traffic.refused or 0, traffic.degraded or 0
    redis = traffic.redis_available_by_pod
    cut_off = sum(not available for available in redis.values())
    closed = f"closed in {len(redis)}" if redis else UNKNOWN
    return [
        Content(f"cache   {shares}"),
        Content.assemble(
            f"limiter {_rate(max(0.0, traffic.rate - refused))} pass, ",
            (f"{_rate(refused)} refused", WARN if refused else ""),
        ),
        Content.assemble(
            "breaker ",
            (f"OPEN in {cut_off} of {len(redis)}", BAD) if cut_off else closed,
            (f", {_rate(degraded)} without Redis", BAD if degraded else DIM),
        ),
        *(_database(traffic.database) if traffic.database else ()),
        last,
    ]


def _absent(what: str, why: str) -> Content:
    return Content.styled(f"{what} {why}", DIM)


def _database(found: Database) -> Lines:
    replicas = found.primary_available_by_pod
    cut_off = sum(not available for available in replicas.values())
    behind = found.behind_seconds
    return [
        Content.assemble(
            "database ",
            (f"OPEN in {cut_off} of {len(replicas)}", BAD) if cut_off else f"closed in {len(replicas)}",
            f", {_rate(found.statements)}, p95 {_milliseconds(found.p95_ms)}",
        ),
        Content.assemble(
            "  ",
            (
                f"{found.in_use:.0f} of {found.connections:.0f} in use",
                WARN if found.in_use >= found.connections else "",
            ),
            (f", {behind:.1f}s behind", BAD if behind > MAX_STALENESS_SECONDS else "") if behind is not None else "",
            (f", {_rate(found.shed)} turned away", BAD) if found.shed else "",
        ),
    ]


def pods(fleet: Fleet, traffic: Traffic | None, width: int) -> Lines:
    """One line a replica, the oldest first."""
    by_pod: Mapping[str, float] = traffic.by_pod if traffic else {}
    total = sum(by_pod.get(pod.name, 0) for pod in fleet.pods)
    lines = [Content.styled(f"{'pod':<17}{'node':<18}{'state':<12}{'age':>6} {'restarts':>8}  requests", DIM)]
    lines += [_pod(pod, by_pod.get(pod.name), total, fleet.deployment, width) for pod in fleet.pods]
    return lines


def events(found: Sequence[Event], limit: int) -> Lines:
    """The newest events, one a line."""
    if not found:
        return [Content.styled("none", DIM)]
    return [
        Content.assemble(
            (f"{ago(time.time() - event.at_s):>7} ", DIM),
            (f"{event.reason}", BAD if event.is_warning else "bold"),
            f" {event.about}{f' ({event.count}x)' if event.count > 1 else ''}: {event.message}",
        )
        for event in found[:limit]
    ]


def is_stale(feed: Feed[Any]) -> bool:
    """Whether the feed's last value is too old to show as the present."""
    return (feed.age_seconds() or 0) > STALE_SECONDS


def freshness(**feeds: Feed[Any]) -> Lines:
    """Say how old each feed's value is, and in a second line why, if it is old."""
    ages = [_age(name, feed) for name, feed in feeds.items()]
    reasons = dict.fromkeys(feed.error for feed in feeds.values() if feed.error and (feed.at is None or is_stale(feed)))
    return [Content.assemble(*ages), *(Content.styled(reason, BAD) for reason in reasons)]


def _age(name: str, feed: Feed[Any]) -> tuple[str, str]:
    age = feed.age_seconds()
    if age is None:
        return (f", {name}: no answer yet", BAD if feed.error else DIM)
    return (f", {name} {ago(age)} OLD", BAD) if is_stale(feed) else (f", {name} {ago(age)} old", DIM)


def _lines_over_time(width: int, top: float | None, **named: Sequence[float]) -> Lines:
    """One sparkline for each name, none without a width."""
    if width <= 0:
        return []
    return [
        Content.assemble((f"{name:<7}", DIM), (sparkline(values, width - 7, top=top), "$accent"))
        for name, values in named.items()
    ]


def _pod(pod: Pod, rate: float | None, total: float, release: str, width: int) -> Content:
    name = pod.name.removeprefix(f"{release}-")
    style = GOOD if pod.ready and pod.state == "Ready" else WARN
    restarts = (f"{pod.restarts:>8}", BAD if pod.restarts else "")
    share = UNKNOWN
    if rate is not None and total > 0:
        share = f"{_percent(rate, total):>4} {_rate(rate):>7} {meter(rate / total, min(20, width - 79))}"
    return Content.assemble(
        f"{name:<17}{(pod.node or UNKNOWN)[:17]:<18}",
        (f"{pod.state[:11]:<12}", style),
        f"{ago(time.time() - pod.created_at_s):>6} ",
        restarts,
        f"  {share.rstrip()}",
    )


def _target(target: Target, width: int) -> Content:
    if target.current is None:
        return Content.assemble(f"{target.name:<13}", ("unknown", BAD), f" of {target.wanted:g} {target.unit}")
    share = target.current / target.wanted
    text = f"{target.current:.4g} of {target.wanted:g} {target.unit}"
    return Content.assemble(
        f"{target.name:<13}", (f"{text:<22}", WARN if share > 1 else GOOD), meter(share, min(20, width - 36))
    )


def _status_style(status: str) -> str:
    return {"2": GOOD, "3": GOOD, "4": WARN}.get(status[:1], BAD)


def _rate(value: float) -> str:
    return f"{value:.0f}/s" if value >= 100 or value == 0 else f"{value:.1f}/s"  # noqa: PLR2004 - three digits


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.0f}%" if whole > 0 else UNKNOWN


def _milliseconds(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:.3g} ms" if value < 1000 else f"{value / 1000:.1f} s"  # noqa: PLR2004
