"""The way to PostgreSQL: the servers of the release, the schema, the replicas' lag, connections, and their exporter."""

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from k8s.client.application import Application
from k8s.client.deployment import series_of_pods, surge_of
from k8s.client.errors import NoAnswerError
from k8s.client.pod import Pod, read_pod
from k8s.client.prometheus import all_at_once
from k8s.doctor.api import Api, with_query
from k8s.doctor.finding import Finding, broken, none, ok, unknown
from k8s.doctor.prometheus import query
from k8s.doctor.snapshot import Json, Snapshot
from service.fleet.staleness import MAX_STALENESS_SECONDS

PRIMARY = "primary"
SERVERS = ("postgresql-primary", "postgresql-replica")
POOLER = "postgresql-pooler"
# Failures of so long ago are still the present.
LATELY = "5m"
# So much of a server's connections may be open before the next pods find none.
CROWDED_SHARE = 0.9
Values = Mapping[str, float]


@dataclass(frozen=True)
class Seen:
    """What there is of a release's database: pods by the part that they are, and each figure's values by label."""

    pods: Mapping[str, tuple[Pod, ...]]
    figures: Mapping[str, Values]

    @property
    def servers(self) -> tuple[Pod, ...]:
        """Pods of the release's own servers."""
        return tuple(pod for component in SERVERS for pod in self.pods.get(component, ()))

    def one(self, figure: str) -> float:
        """The value of a figure that has no label; NaN without one."""
        return self.figures.get(figure, {}).get("", math.nan)


def findings(api: Api, release: Snapshot, application: Application) -> Iterator[Finding]:
    """Look from the servers to what the service has of them; a release without a database has one finding."""
    if lacking := application.lacks("metrics.prefix"):
        yield none("database", lacking)
        return
    if not release.triggers:
        yield unknown("database", "its figures are in Prometheus, and no trigger of the autoscaler names one")
        return
    url = release.triggers[0]["metadata"]["serverAddress"]
    pods = _pods(api, release)
    try:
        figures = figures_query(release, pods, f"{application.metrics.prefix}database")
        seen = Seen(pods, _figures(query(api, url, figures)))
    except NoAnswerError:
        yield unknown("database", "Prometheus does not answer")
        return
    if not seen.servers and not seen.figures.get("available"):
        yield ok("database", "none (postgresql.mode=none): what a replica keeps, it keeps for itself")
        return
    yield _servers(release, seen)
    yield _schema(release, seen)
    if seen.figures.get("lag"):
        yield _lag(release, seen)
    yield _connections(release, seen)
    if seen.servers:
        yield _exporter(seen)


def figures_query(release: Snapshot, pods: Mapping[str, tuple[Pod, ...]], metric: str) -> str:
    """Write one query for all figures, each with the label `figure`; `metric` begins what the service counts of it."""
    of_service = series_of_pods(release.namespace, release.deployment)
    names = "|".join(pod.name for component in SERVERS for pod in pods.get(component, ()))
    of_servers = f'namespace="{release.namespace}",pod=~"{names or "none"}"'
    refused = f'{metric}_failures_total{{{of_service},reason="schema"}}'
    figures = {
        "available": f"min by (target) ({metric}_available{{{of_service}}})",
        "revision": f"min({metric}_schema_revision{{{of_service}}})",
        "needed": f"max({metric}_schema_needed{{{of_service}}})",
        "refused": f"sum(increase({refused}[{LATELY}]))",
        "lag": f"max by (target) ({metric}_replica_staleness_seconds{{{of_service}}})",
        "pool": f"max by (target) ({metric}_pool_size{{{of_service}}})",
        "exported": f"max by (pod) (pg_up{{{of_servers}}})",
        "most": f"max by (pod) (pg_settings_max_connections{{{of_servers}}})",
        "kept": f"max by (pod) (pg_settings_superuser_reserved_connections{{{of_servers}}})",
        "open": f"sum by (pod) (pg_stat_activity_count{{{of_servers}}})",
    }
    return all_at_once(figures, "figure")


def _figures(series: list[Json]) -> Mapping[str, Values]:
    found: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for each in series:
        of_it = next((text for name, text in each["metric"].items() if name != "figure"), "")
        found[each["metric"]["figure"]][of_it] = float(each["value"][1])
    return found


def _pods(api: Api, release: Snapshot) -> Mapping[str, tuple[Pod, ...]]:
    """Pods of the release's own PostgreSQL, by component; none where the server is another's."""
    labels = f"app.kubernetes.io/instance={release.name},app.kubernetes.io/name={release.chart_name}-postgresql"
    path = with_query(f"/api/v1/namespaces/{release.namespace}/pods", labelSelector=labels)
    found: defaultdict[str, tuple[Pod, ...]] = defaultdict(tuple)
    for pod in api.get(path)["items"]:
        found[pod["metadata"]["labels"]["app.kubernetes.io/component"]] += (read_pod(pod),)
    return found


def _servers(release: Snapshot, seen: Seen) -> Finding:
    link = "database"
    away = [pod.name for pod in (*seen.servers, *seen.pods.get(POOLER, ())) if not pod.serving]
    if away:
        remedy = f"kubectl --namespace {release.namespace} describe pod {away[0]}; its log says what it waits for"
        return broken(link, f"not ready: {', '.join(away)}", remedy)
    available = seen.figures.get("available")
    if not available:
        remedy = "look at the replicas' /metrics, and at USERS_API_DATABASE_URL in their environment"
        return broken(link, "the replicas of the service show no database", remedy)
    if given_up := [target for target, value in sorted(available.items()) if not value]:
        remedy = "the replicas' log says why: docs/runbooks/DatabaseDown.md"
        return broken(link, f"replicas of the service have given up on {', '.join(given_up)}", remedy)
    own = f", and {len(seen.servers)} of the release's own are ready" if seen.servers else ""
    return ok(link, f"the replicas reach {', '.join(sorted(available))}{own}")


def _schema(release: Snapshot, seen: Seen) -> Finding:
    link = "schema"
    present, needed, refused = seen.one("revision"), seen.one("needed"), seen.one("refused")
    migrate = (
        f"kubectl --namespace {release.namespace} logs --tail=20 --selector "
        f"app.kubernetes.io/instance={release.name},app.kubernetes.io/component=migration says why; "
        "`helm upgrade` does it again, and so does `python -m service.migrate` as the owner"
    )
    if refused > 0:
        text = f"{refused:.0f} statements of the last {LATELY} asked for a table, a column or a right that is not there"
        return broken(link, text, migrate)
    if present < needed:
        return broken(link, f"it is at revision {present:.0f}, and the image needs {needed:.0f}", migrate)
    if math.isnan(present):
        text = "the service's role may not read how far it is: GRANT SELECT ON alembic_version TO it, as the owner"
        return unknown(link, text)
    return ok(link, f"it is at revision {present:.0f}, and the image needs {needed:.0f}")


def _lag(release: Snapshot, seen: Seen) -> Finding:
    link = "replication"
    lag = seen.figures["lag"]
    behind = [target for target, seconds in sorted(lag.items()) if not seconds <= MAX_STALENESS_SECONDS]
    shown = ", ".join(f"{target} {_lag_text(seconds)}" for target, seconds in sorted(lag.items()))
    if behind:
        what = "the replica's log" if seen.servers else "the server's own view, pg_stat_replication"
        remedy = f"{what} in namespace {release.namespace} says why: docs/runbooks/DatabaseReplicaUnused.md"
        return broken(link, f"reads go elsewhere: {shown}; at most {MAX_STALENESS_SECONDS:g} s is let through", remedy)
    return ok(link, f"behind the primary at most: {shown}")


def _lag_text(seconds: float) -> str:
    return "unknown" if math.isnan(seconds) else f"{seconds:.2f} s"


def _connections(release: Snapshot, seen: Seen) -> Finding:
    """The chart's own sum, with what is there now: in a rollout each old pod may be stopping beside a new one."""
    link = "connections"
    most = min(seen.figures.get("most", {}).values(), default=math.nan)
    each = max(seen.figures.get("pool", {}).values(), default=math.nan)
    replicas = release.autoscaler.maximum if release.autoscaler else release.wanted
    surge = surge_of(release.max_surge, replicas)
    needed = (2 * replicas + surge) * each
    at_most = f"{replicas} replicas, {surge} surge and {replicas} that stop, {each:g} each: {needed:g}"
    if math.isnan(most):
        return unknown(link, f"{at_most}; no exporter tells max_connections. `helm upgrade` holds it to the values")
    room = most - max(seen.figures.get("kept", {}).values(), default=0)
    pooled = bool(seen.pods.get(POOLER))
    if needed > room and not pooled:
        remedy = "lower autoscaling.maxReplicas or config.databasePoolSize, raise postgresql.maxConnections, or pool"
        return broken(link, f"{at_most}, and a server takes {room:g}", remedy)
    crowded = {pod: count for pod, count in seen.figures.get("open", {}).items() if count > CROWDED_SHARE * room}
    if crowded:
        pod, count = max(crowded.items(), key=lambda one: one[1])
        remedy = (
            f"who has them: kubectl --namespace {release.namespace} exec {pod} -c postgresql -- psql -U postgres -c "
        )
        return broken(link, f"{count:g} of {room:g} are open on {pod}", remedy + "'TABLE pg_stat_activity'")
    busiest = max(seen.figures.get("open", {}).values(), default=0)
    of_it = "PgBouncer shares them" if pooled else at_most
    return ok(link, f"{busiest:g} of {room:g} are open; {of_it}")


def _exporter(seen: Seen) -> Finding:
    link = "exporter"
    exported = seen.figures.get("exported", {})
    unseen = [pod.name for pod in seen.servers if pod.name not in exported]
    if unseen:
        remedy = (
            "set postgresql.bundled.exporter.enabled=true, and have Prometheus let in by networkPolicy.metricsFrom; "
            "a pod that has just started needs a moment"
        )
        return broken(link, f"Prometheus has nothing of {', '.join(unseen)}", remedy)
    if locked_out := [pod for pod, up in sorted(exported.items()) if not up]:
        remedy = f"kubectl logs {locked_out[0]} -c exporter says why; the password is in the Secret of the role monitor"
        return broken(link, f"the exporter in {', '.join(locked_out)} cannot log in", remedy)
    return ok(link, f"those of {len(exported)} servers are scraped, and log in")
