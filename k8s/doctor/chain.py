from collections.abc import Iterator

from k8s.client.application import Application
from k8s.client.autoscaler import IN_FLIGHT_METRICS, Condition, read_conditions
from k8s.client.errors import NoAnswerError
from k8s.doctor import database, prometheus
from k8s.doctor.api import Api, with_query
from k8s.doctor.finding import Finding, broken, none, ok, unknown
from k8s.doctor.pause import pauses, unpause
from k8s.doctor.snapshot import Json, Snapshot

CUSTOM_METRICS = ("v1beta2.custom.metrics.k8s.io", "v1beta1.custom.metrics.k8s.io")
_RESOURCES = {"Resource", "ContainerResource"}
# Of the chart.
_RATE = "metrics.requests brings one, or autoscaling.requestRate.from=ingress"


def walk(api: Api, release: Snapshot, application: Application) -> Iterator[Finding]:
    """Look at each link, from where metrics arise to where they are used: the first broken one is the cause.

    The links to the database come last: no other needs them.
    """
    yield _pods(release)
    yield _cpu(api, release)
    if release.triggers:
        yield from prometheus.findings(api, release, release.triggers, application)
    if release.scaled_object is not None:
        yield _keda(api, release, release.scaled_object)
        if release.triggers:
            yield _external_metrics(api, release, release.scaled_object)
    elif release.pods_metrics:
        yield from _adapter(api, release, application)
    if _scales_on_resources_alone(release):
        yield none("request rate", f"does not apply: nothing scales {release.deployment} on it: {_RATE}")
    yield _autoscaler(release)
    yield from database.findings(api, release, application)


def _scales_on_resources_alone(release: Snapshot) -> bool:
    metrics = release.hpa["spec"].get("metrics", ()) if release.hpa else ()
    return not release.triggers and all(metric["type"] in _RESOURCES for metric in metrics)


def _pods(release: Snapshot) -> Finding:
    text = f"{len(release.ready)} of {release.wanted} replicas of {release.deployment} are ready"
    if release.ready:
        return ok("pods", text)
    return broken("pods", text, f"kubectl --namespace {release.namespace} describe pods -l {release.pod_selector}")


def _service_of(api: Api, name: str) -> tuple[bool, str]:
    """Whether an aggregated API is available, and what is known of who serves it."""
    try:
        found: Json = api.get(f"/apis/apiregistration.k8s.io/v1/apiservices/{name}")
    except NoAnswerError as error:
        return False, f"APIService {name} is not there" if error.status == 404 else f"APIService {name}: {error.said}"  # noqa: PLR2004
    service = found["spec"].get("service") or {}
    who = f"{service.get('namespace')}/{service.get('name')}"
    available = read_conditions(found.get("status", {})).get("Available")
    if available is not None and available.is_true:
        return True, f"{name} is served by {who}"
    said = available.message if available is not None else ""
    return False, f"{name} is not available from {who}: {said or 'it has not been tried yet'}"


def _cpu(api: Api, release: Snapshot) -> Finding:
    link = "CPU metrics"
    available, text = _service_of(api, "v1beta1.metrics.k8s.io")
    if not available:
        return broken(link, text, "install metrics-server, or look at its pods: `kubectl top pods` must answer")
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{release.namespace}/pods"
    try:
        measured = {
            item["metadata"]["name"] for item in api.get(with_query(path, labelSelector=release.pod_selector))["items"]
        }
    except NoAnswerError as error:
        return broken(link, f"metrics-server does not answer: {error.said}", "look at its logs")
    unmeasured = [pod.name for pod in release.settled if pod.name not in measured]
    if unmeasured:
        remedy = "a new pod needs up to a minute; later, look at metrics-server's logs for its node"
        return broken(link, f"no CPU figure of {', '.join(unmeasured)}", remedy)
    return ok(link, f"{text}, with figures of {len(measured)} pods")


def _keda(api: Api, release: Snapshot, scaled_object: Json) -> Finding:
    link = "KEDA"
    name = scaled_object["metadata"]["name"]
    available, text = _service_of(api, "v1beta1.external.metrics.k8s.io")
    if not available:
        return broken(link, text, "look at KEDA's metrics adapter: `kubectl --namespace keda get pods,events`")
    if "keda" not in text:
        return broken(link, f"{text}, not KEDA", "only one may serve it: remove the other adapter's APIService")
    conditions = read_conditions(scaled_object.get("status", {}))
    true = {kind for kind, condition in conditions.items() if condition.is_true}
    describe = f"kubectl --namespace {release.namespace} describe scaledobject {name}"
    if "Paused" in true:
        remedy = unpause(release.namespace, scaled_object, *pauses(scaled_object))
        return broken(link, f"ScaledObject {name} is paused", remedy)
    if "Ready" not in true:
        ready = conditions.get("Ready")
        said = (ready.message if ready is not None else "") or "its operator has not looked at it: is it running?"
        return broken(link, f"ScaledObject {name} is not ready: {said}", describe)
    if "Fallback" in true:
        return broken(link, f"ScaledObject {name} holds its fallback: its last looks at Prometheus failed", describe)
    return ok(link, f"{text}, and ScaledObject {name} is ready")


def _external_metrics(api: Api, release: Snapshot, scaled_object: Json) -> Finding:
    link = "external metric"
    names = scaled_object.get("status", {}).get("externalMetricNames", ())
    if not names:
        return unknown(link, "KEDA has made no metric of the ScaledObject yet")
    selector = f"scaledobject.keda.sh/name={scaled_object['metadata']['name']}"
    told = []
    for name in names:
        path = f"/apis/external.metrics.k8s.io/v1beta1/namespaces/{release.namespace}/{name}"
        try:
            items = api.get(with_query(path, labelSelector=selector))["items"]
        except NoAnswerError as error:
            remedy = "KEDA's operator says why: `kubectl --namespace keda logs deployment/keda-operator`"
            return broken(link, f"KEDA has no value of {name}: {error.said}", remedy)
        told.append(f"{name} is {', '.join(item['value'] for item in items)}")
    return ok(link, "; ".join(told))


def _adapter(api: Api, release: Snapshot, application: Application) -> Iterator[Finding]:
    said = [_service_of(api, name) for name in CUSTOM_METRICS]
    served = next((text for available, text in said if available), None)
    if served is None:
        remedy = "install an adapter for custom.metrics.k8s.io, or set autoscaling.engine=keda"
        yield broken("adapter", said[0][1], remedy)
        yield unknown("Pods metric", "no adapter answers")
        return
    yield ok("adapter", served)
    version = served.split(".")[0]
    for metric in release.pods_metrics:
        yield _pods_metric(api, release, version, metric, application)


def _pods_metric(api: Api, release: Snapshot, version: str, metric: str, application: Application) -> Finding:
    link = "Pods metric"
    path = f"/apis/custom.metrics.k8s.io/{version}/namespaces/{release.namespace}/pods/*/{metric}"
    try:
        items = api.get(with_query(path, labelSelector=release.pod_selector))["items"]
    except NoAnswerError as error:
        how = f"of {application.metrics.requests or 'the counter of requests'}"
        if metric in IN_FLIGHT_METRICS:
            how = "as it is, if the image's /metrics has it (else set autoscaling.inFlight.enabled=false)"
        remedy = f"have the adapter make {metric} {how}, with labels namespace and pod as its resources"
        return broken(link, f"the adapter has no {metric}: {error.said}", remedy)
    values = {item["describedObject"]["name"]: item["value"] for item in items}
    missing = [pod.name for pod in release.settled if pod.name not in values]
    if missing:
        remedy = "look at the series behind it: each pod must be scraped, with its name in the label `pod`"
        return broken(link, f"the adapter has no {metric} of {', '.join(missing)}", remedy)
    return ok(link, f"{metric} of {len(values)} pods: {', '.join(values.values())}")


def _autoscaler(release: Snapshot) -> Finding:
    link = "autoscaler"
    autoscaler = release.autoscaler
    if autoscaler is None:
        if release.scaled_object is not None:
            return broken(link, "KEDA has made no HorizontalPodAutoscaler", "look at the logs of KEDA's operator")
        return broken(link, f"nothing scales {release.deployment}", "set autoscaling.engine to keda or hpa")
    describe = f"kubectl --namespace {release.namespace} describe hpa {autoscaler.name}"
    for kind in ("AbleToScale", "ScalingActive"):
        found = autoscaler.conditions.get(kind, Condition(kind, "Unknown", "no reason yet", "it is new"))
        if not found.is_true:
            return broken(link, f"{kind} is not true: {found.reason}: {found.message}", describe)
    seen = sum(1 for target in autoscaler.targets if target.current is not None)
    if seen < len(autoscaler.targets):
        return broken(link, f"it sees {seen} of {len(autoscaler.targets)} metrics; the rest is <unknown>", describe)
    text = (
        f"{autoscaler.current} replicas, {autoscaler.desired} wanted, of {autoscaler.minimum} to {autoscaler.maximum}"
    )
    if autoscaler.desired >= autoscaler.maximum:
        text += "; at its most: raise autoscaling.maxReplicas if the load is real"
    return ok(link, text)
