import math
from collections.abc import Iterator, Sequence
from typing import Any

from k8s.client.application import Application
from k8s.client.deployment import series_of_pods
from k8s.client.errors import NoAnswerError
from k8s.client.pod import Pod
from k8s.doctor.api import Api, through_api_server, with_query
from k8s.doctor.finding import Finding, broken, none, ok, unknown
from k8s.doctor.snapshot import Json, Snapshot

LINKS = ("Prometheus", "targets", "labels", "query")
UP = 1.0


def findings(api: Api, release: Snapshot, triggers: Sequence[Json], application: Application) -> Iterator[Finding]:
    """From Prometheus itself, one for all triggers, to the answers of the very queries that KEDA sends it.

    Where the application counts no requests, what serves its Ingress does: its own pods need not be scraped.
    """
    url = triggers[0]["metadata"]["serverAddress"]
    try:
        series = query(api, url, "up")
    except NoAnswerError as error:
        yield _no_answer(url, error)
        yield from (unknown(link, "Prometheus does not answer") for link in LINKS[1:])
        return
    yield ok("Prometheus", f"{url} answers, and scrapes {len(series)} targets")
    if lacking := application.lacks("metrics.requests"):
        yield none("targets", lacking)
    else:
        yield _targets(release, series)
        yield _labels(release, series)
        if application.file:
            yield _counter(api, url, release, application)
    for trigger in triggers:
        yield _answer(api, release, trigger)


def query(api: Api, url: str, promql: str) -> list[Json]:
    """Return the series that a query has now.

    Raises:
        NoAnswerError: Prometheus does not answer, or refuses it.
    """
    answer = api.get(with_query(f"{through_api_server(url)}/api/v1/query", query=promql))
    result: list[Json] = answer["data"]["result"]
    return result


def _no_answer(url: str, error: NoAnswerError) -> Finding:
    where = f"{url} does not answer (status {error.status}): {error.said}"
    if error.status == 404:  # noqa: PLR2004
        remedy = "no such Service or path: set autoscaling.requestRate.prometheus.url to your Prometheus"
    elif error.status in {401, 403}:
        remedy = "it wants credentials: set autoscaling.requestRate.prometheus.authModes and .triggerAuthentication"
    else:
        remedy = "start it: look at its pods and endpoints, `kubectl get pods,endpointslices` in its namespace"
    return broken("Prometheus", where, remedy)


def _scraped(release: Snapshot, series: list[Json], pod: Pod) -> list[Json]:
    """Series of a pod's scrapes, found by its labels or by its address."""
    labelled = {"namespace": release.namespace, "pod": pod.name}
    return [
        one
        for one in series
        if labelled.items() <= one["metric"].items()
        or one["metric"].get("instance", "").rpartition(":")[0] == pod.address
    ]


def _targets(release: Snapshot, series: list[Json]) -> Finding:
    unseen = [pod for pod in release.settled if not _scraped(release, series, pod)]
    down = [
        pod
        for pod in release.settled
        if pod not in unseen and not any(_value(one) == UP for one in _scraped(release, series, pod))
    ]
    if unseen:
        silent = [pod.name for pod in unseen if not pod.asks_for_scrape]
        remedy = (
            f"{', '.join(silent)} ask for no scrape by annotation: set metrics.annotations=true; or, with the "
            "operator, metrics.podMonitor.enabled=true with the labels of its podMonitorSelector in .podMonitor.labels"
            if silent
            else "they ask by annotation: have Prometheus discover pods by prometheus.io/scrape; new pods need a moment"
        )
        return broken("targets", f"Prometheus has no target for {_names(unseen)}", remedy)
    if down:
        remedy = "let Prometheus in: networkPolicy.metricsFrom must name its namespace; then look at the pods' /metrics"
        return broken("targets", f"the last scrape of {_names(down)} failed", remedy)
    return ok("targets", f"the last scrape of each of {len(release.settled)} pods succeeded")


def _labels(release: Snapshot, series: list[Json]) -> Finding:
    scraped = [one for pod in release.settled for one in _scraped(release, series, pod)]
    if not scraped:
        return unknown("labels", "no pod is scraped")
    wrong = [one["metric"] for one in scraped if not {"namespace", "pod"} <= set(one["metric"])]
    if wrong:
        remedy = (
            "the query picks pods by namespace and pod: add both in the scrape's relabel_configs, from "
            "__meta_kubernetes_namespace and __meta_kubernetes_pod_name"
        )
        return broken(
            "labels", f"the series of {wrong[0].get('instance')} have only {', '.join(sorted(wrong[0]))}", remedy
        )
    twice = len(scraped) - len(release.settled)
    if twice > 0:
        remedy = "keep one: annotations, a PodMonitor or a ServiceMonitor; each scrape adds to the request rate"
        return broken("labels", f"{twice} of {len(release.settled)} pods are scraped more than once", remedy)
    return ok("labels", "the series of each pod carry namespace and pod")


def _counter(api: Api, url: str, release: Snapshot, application: Application) -> Finding:
    """Look whether the names that a file has are those of series: other tools show nothing where they are not."""
    link, counter, label = "counter", application.metrics.requests, application.metrics.status
    of_it = f"{counter}{{{series_of_pods(release.namespace, release.deployment)}}}"
    try:
        found = query(api, url, f"count by ({label or ''}) ({of_it})")
    except NoAnswerError as error:
        return unknown(link, f"Prometheus refuses to count {of_it}: {error.said}")
    if not found:
        named = f"metrics.requests of {application.file} names it"
        return unknown(link, f"Prometheus has no {counter} of these pods; was there a request yet? {named}")
    if label is None:
        return ok(link, f"Prometheus has {counter}; {application.file} names no label of its status")
    statuses = sorted(one["metric"][label] for one in found if label in one["metric"])
    if not statuses:
        return unknown(link, f"{counter} has no label {label}: metrics.status of {application.file} names it")
    return ok(link, f"Prometheus has {counter}, by {label}: {', '.join(statuses)}")


def _answer(api: Api, release: Snapshot, trigger: Json) -> Finding:
    told = trigger["metadata"]
    promql = told["query"]
    in_flight = trigger.get("name") == "in-flight"
    remedy = "try it in Prometheus' own page; the chart's is users-api.requestRateQuery in templates/_autoscaling.tpl"
    if in_flight:
        remedy = (
            "is the image of a version whose /metrics has users_api_requests_in_flight? Upgrade it, or set "
            "autoscaling.inFlight.enabled=false"
        )
    try:
        result = query(api, told["serverAddress"], promql)
    except NoAnswerError as error:
        return broken("query", f"Prometheus refuses the query {promql}: {error.said}", remedy)
    if len(result) != 1 or math.isnan(_value(result[0])):
        what = f"{len(result)} series" if len(result) != 1 else "NaN"
        return broken("query", f"the query has {what} where KEDA wants one number: {promql}", remedy)
    value = f"{_value(result[0]):.1f} {'requests in flight' if in_flight else 'requests/s'}"
    target = float(told["threshold"])
    return ok("query", f"{value} over {len(release.ready)} ready replicas; wanted of each: {target:g}")


def _value(series: Json) -> float:
    pair: list[Any] = series["value"]
    return float(pair[1])


def _names(pods: list[Pod]) -> str:
    return ", ".join(pod.name for pod in pods)
