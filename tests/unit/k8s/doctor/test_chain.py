import copy
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k8s.client.application import USERS_API, Application, Metrics
from k8s.client.errors import ClusterError
from k8s.doctor.__main__ import diagnose
from k8s.doctor.api import Recorded, Recorder, with_query

# What the APIs of a cluster answered of a release under KEDA whose links all hold, by `--record`.
HEALTHY = json.loads(Path(__file__).with_name("healthy.json").read_text(encoding="utf-8"))
SERVICES = "/apis/apiregistration.k8s.io/v1/apiservices"
Answers = dict[str, Any]
Break = Callable[[Answers], object]


class WithoutDatabase(dict[str, Any]):
    """The answers of a release that was recorded without PostgreSQL; tests/unit/k8s/doctor/test_database.py has one."""

    def __missing__(self, path: str) -> Answers:
        """There are no pods and no series of it; nor are there events, which tests/unit/k8s/doctor/test_why.py has."""
        if "users-api-postgresql" in path or "/events?" in path:
            return {"items": []}
        if "users_api_database" in path and prometheus(self, "up") in self:
            return (
                self[prometheus(self, "up")]
                if "no_answer" in self[prometheus(self, "up")]
                else {"data": {"result": []}}
            )
        raise KeyError(path)


def no_answer(status: int, message: str) -> Answers:
    """An answer that is none."""
    return {"no_answer": {"status": status, "message": message}}


def find(answers: Answers, beginning: str, containing: str = "") -> str:
    """The one path with a beginning, and a part."""
    (path,) = [path for path in answers if path.startswith(beginning) and containing in path]
    return path


def verdict(answers: Answers, application: Application = USERS_API) -> tuple[str, bool]:
    """The report on the release, and whether it is whole."""
    return diagnose(Recorded(answers), application, HEALTHY["now_s"])


@pytest.fixture
def answers() -> Answers:
    """The recorded answers, to be changed."""
    found: Answers = copy.deepcopy(HEALTHY["answers"])
    for pod in pods(found):  # cut down to what the doctor looks at
        pod["spec"] = {"containers": [{"image": "users-api"}]}
    return WithoutDatabase(found)


def prometheus(answers: Answers, query: str = "") -> str:
    """The path of a query to Prometheus."""
    return find(answers, "/api/v1/namespaces/monitoring/services/http:prometheus:9090/proxy", f"query={query}")


def scaled_object(answers: Answers) -> Answers:
    """The ScaledObject."""
    found: Answers = answers["/apis/keda.sh/v1alpha1/namespaces/users-api/scaledobjects"]["items"][0]
    return found


def hpa(answers: Answers) -> Answers:
    """The HPA."""
    found: Answers = answers["/apis/autoscaling/v2/namespaces/users-api/horizontalpodautoscalers"]["items"][0]
    return found


def pods(answers: Answers) -> list[Answers]:
    """The API's pods."""
    found: list[Answers] = answers[find(answers, "/api/v1/namespaces/users-api/pods")]["items"]
    return found


def set_condition(thing: Answers, kind: str, status: str, message: str) -> None:
    """Give an object another condition."""
    kept = [condition for condition in thing["status"]["conditions"] if condition["type"] != kind]
    thing["status"]["conditions"] = [*kept, {"type": kind, "status": status, "reason": "Test", "message": message}]


def not_ready(answers: Answers) -> None:
    """No pod is ready."""
    for pod in pods(answers):
        set_condition(pod, "Ready", "False", "")


def without_figures(answers: Answers) -> None:
    """metrics-server knows no pod."""
    answers[find(answers, "/apis/metrics.k8s.io")]["items"] = []


def unscraped(answers: Answers) -> None:
    """Prometheus scrapes none of the pods, which don't ask for it."""
    answers[prometheus(answers, "up")]["data"]["result"] = []
    for pod in pods(answers):
        pod["metadata"]["annotations"] = {}


def down(answers: Answers) -> None:
    """Each scrape fails."""
    for series in answers[prometheus(answers, "up")]["data"]["result"]:
        series["value"][1] = "0"


def unlabelled(answers: Answers) -> None:
    """Series carry neither pod nor namespace."""
    for series in answers[prometheus(answers, "up")]["data"]["result"]:
        series["metric"] = {"instance": series["metric"]["instance"], "job": "all"}


def paused_at_a_count(answers: Answers) -> None:
    """KEDA was told to hold a count."""
    scaled_object(answers)["metadata"]["annotations"]["autoscaling.keda.sh/paused-replicas"] = "4"
    set_condition(scaled_object(answers), "Paused", "True", "")


def scraped_twice(answers: Answers) -> None:
    """A second job scrapes the same pods."""
    result = answers[prometheus(answers, "up")]["data"]["result"]
    result.extend([{**series, "metric": {**series["metric"], "job": "again"}} for series in result])


@pytest.mark.parametrize(
    ("break_it", "link", "remedy"),
    [
        (not_ready, "pods", "describe pods"),
        (
            lambda a: a.update({f"{SERVICES}/v1beta1.metrics.k8s.io": no_answer(404, "not found")}),
            "CPU metrics",
            "install metrics-server",
        ),
        (
            lambda a: set_condition(a[f"{SERVICES}/v1beta1.metrics.k8s.io"], "Available", "False", "no endpoints"),
            "CPU metrics",
            "kubectl top pods",
        ),
        (without_figures, "CPU metrics", "a new pod needs up to a minute"),
        (
            lambda a: a.update(
                {prometheus(a, "up"): no_answer(503, 'no endpoints available for service "prometheus"')}
            ),
            "Prometheus",
            "start it",
        ),
        (
            lambda a: a.update({prometheus(a, "up"): no_answer(404, 'services "prometheus" not found')}),
            "Prometheus",
            "set autoscaling.requestRate.prometheus.url",
        ),
        (
            lambda a: a.update({prometheus(a, "up"): no_answer(401, "Unauthorized")}),
            "Prometheus",
            ".triggerAuthentication",
        ),
        (unscraped, "targets", "metrics.annotations=true"),
        (
            lambda a: a[prometheus(a, "up")]["data"].update(result=[]),
            "targets",
            "discover pods by prometheus.io/scrape",
        ),
        (down, "targets", "networkPolicy.metricsFrom"),
        (unlabelled, "labels", "__meta_kubernetes_pod_name"),
        (scraped_twice, "labels", "keep one"),
        (lambda a: a[prometheus(a, "sum")]["data"].update(result=[]), "query", "users-api.requestRateQuery"),
        (
            lambda a: a[prometheus(a, "sum")]["data"]["result"][0]["value"].__setitem__(1, "NaN"),
            "query",
            "Prometheus' own page",
        ),
        (lambda a: a.update({prometheus(a, "sum"): no_answer(400, "parse error")}), "query", "Prometheus' own page"),
        (
            lambda a: set_condition(a[f"{SERVICES}/v1beta1.external.metrics.k8s.io"], "Available", "False", "gone"),
            "KEDA",
            "--namespace keda",
        ),
        (
            lambda a: a[f"{SERVICES}/v1beta1.external.metrics.k8s.io"]["spec"].update(
                service={"namespace": "monitoring", "name": "adapter"}
            ),
            "KEDA",
            "remove the other adapter",
        ),
        (lambda a: set_condition(scaled_object(a), "Ready", "False", "bad trigger"), "KEDA", "describe scaledobject"),
        (lambda a: set_condition(scaled_object(a), "Paused", "True", ""), "KEDA", "autoscaling.keda.sh/paused-"),
        (paused_at_a_count, "KEDA", "autoscaling.keda.sh/paused-replicas-"),
        (lambda a: set_condition(scaled_object(a), "Fallback", "True", ""), "KEDA", "describe scaledobject"),
        (
            lambda a: a.update({find(a, "/apis/external"): no_answer(500, "no matching metrics")}),
            "external metric",
            "logs deployment/keda-operator",
        ),
        (
            lambda a: set_condition(hpa(a), "ScalingActive", "False", "the HPA was unable to compute"),
            "autoscaler",
            "describe hpa",
        ),
        (lambda a: hpa(a)["status"]["currentMetrics"].pop(), "autoscaler", "describe hpa"),
        (
            lambda a: a["/apis/autoscaling/v2/namespaces/users-api/horizontalpodautoscalers"].update(items=[]),
            "autoscaler",
            "logs of KEDA's operator",
        ),
    ],
)
def test_the_link_that_breaks_is_named(answers: Answers, break_it: Break, link: str, remedy: str) -> None:
    """A link that breaks alone is the first broken one, and the remedy for it is told."""
    break_it(answers)
    report, whole = verdict(answers)
    assert not whole
    first = report[report.index("first broken link: ") :]
    assert first.startswith(f"first broken link: {link}: ")
    assert remedy in first.partition("\nremedy: ")[2]


def test_a_sound_release_is_whole(answers: Answers) -> None:
    """When all links hold, each is told with what was seen, below why there are so many replicas."""
    report, whole = verdict(answers)
    assert whole
    why, _, chain = report.partition("\n\n")
    assert why.startswith(
        "4 replicas since 01:54:22 UTC: the CPU asks for 1 (10 % of the request, 80 wanted); held at 4 "
    )
    *links, last = chain.splitlines()
    assert last == "every link holds"
    assert [line.split()[0] for line in links] == ["ok"] * 10


def test_another_application_is_looked_at_as_far_as_it_goes(answers: Answers) -> None:
    """Where it says nothing of metrics of its own there is no link to a database, and nothing is asked of one."""
    file = replace(USERS_API, metrics=Metrics(requests="shop_requests_total"), file="app.yaml")
    answers[_of_counter(answers, "count by () (shop_requests_total{")] = {"data": {"result": []}}
    api = Recorder(Recorded(answers))
    report, whole = diagnose(api, file, HEALTHY["now_s"])
    assert whole
    assert not [path for path in api.answers if "database" in path]
    assert report.splitlines()[-2] == (
        "none    database         does not apply: app.yaml says nothing of metrics.prefix, what the names of its own "
        "metrics begin with: those of cache, limiter, Redis and database"
    )


def _of_counter(answers: Answers, beginning: str) -> str:
    """The path of the query for the counter that a file names."""
    pods = 'namespace="users-api",pod=~"users-api-[a-z0-9]+-[a-z0-9]{5}"})'
    return with_query(prometheus(answers, "up").partition("?")[0], query=beginning + pods)


@pytest.mark.parametrize(
    ("series", "said"),
    [
        ([{"code": "200"}, {"code": "404"}], "ok      counter          Prometheus has shop_total, by code: 200, 404"),
        ([{}], "unknown counter          shop_total has no label code: metrics.status of app.yaml names it"),
        ([], "unknown counter          Prometheus has no shop_total of these pods; was there a request yet? metrics.r"),
        (None, "unknown counter          Prometheus refuses to count shop_total{namespace="),
    ],
)
def test_names_in_a_file_are_looked_up(answers: Answers, series: list[dict[str, str]] | None, said: str) -> None:
    """A counter that is spelt otherwise would leave panels empty; it breaks no link of the autoscaler's."""
    path = _of_counter(answers, "count by (code) (shop_total{")
    answers[path] = no_answer(400, "parse error")
    if series is not None:
        answers[path] = {"data": {"result": [{"metric": labels, "value": [0, "4"]} for labels in series]}}
    report, whole = verdict(answers, replace(USERS_API, metrics=Metrics("shop_total", "code"), file="app.yaml"))
    assert whole
    assert f"\n{said}" in report


def test_pods_that_count_no_requests_need_no_scrape(answers: Answers) -> None:
    """What the Ingress counts is a query as another is, and the application has no targets of its own."""
    unscraped(answers)
    report, whole = verdict(answers, Application("users-api", "users-api", file="app.yaml"))
    assert whole
    assert "none    targets          does not apply: app.yaml says nothing of metrics.requests, " in report
    assert "requests/s over 4 ready replicas" in report


def test_an_application_on_cpu_alone_has_no_request_rate(answers: Answers) -> None:
    """What would bring one is told, and is no broken link."""
    answers["/apis/keda.sh/v1alpha1/namespaces/users-api/scaledobjects"]["items"] = []
    for listed in (hpa(answers)["spec"]["metrics"], hpa(answers)["status"]["currentMetrics"]):
        listed[:] = [metric for metric in listed if metric["type"] == "Resource"]
    report, whole = verdict(answers)
    assert whole
    assert "none    request rate     does not apply: nothing scales users-api on it: metrics.requests " in report


def test_the_cause_comes_before_what_it_causes(answers: Answers) -> None:
    """With Prometheus away all that needs it fails too, and still it is named; what cannot be seen is unknown."""
    answers[prometheus(answers, "up")] = no_answer(503, "no endpoints")
    answers[find(answers, "/apis/external")] = no_answer(500, "no matching metrics")
    set_condition(hpa(answers), "ScalingActive", "False", "unable to fetch metrics")
    report, _ = verdict(answers)
    assert "first broken link: Prometheus: " in report
    assert [line.split()[1] for line in report.splitlines() if line.startswith("unknown")] == [
        "targets",
        "labels",
        "query",
        "database",
    ]


def test_a_pod_of_some_seconds_may_lack_metrics(answers: Answers) -> None:
    """A pod that has just become ready is not yet missed by metrics-server and Prometheus."""
    new = copy.deepcopy(pods(answers)[0])
    new["metadata"]["name"] = "users-api-new"
    new["status"]["podIP"] = "10.0.0.1"
    ready = next(condition for condition in new["status"]["conditions"] if condition["type"] == "Ready")
    ready["lastTransitionTime"] = "2100-01-01T00:00:00Z"
    pods(answers).append(new)
    assert verdict(answers)[1]


def test_an_adapter_is_looked_at_where_the_hpa_asks_one(answers: Answers) -> None:
    """With a Pods metric the chain goes through custom.metrics.k8s.io, first its APIService, then each pod's value."""
    answers["/apis/keda.sh/v1alpha1/namespaces/users-api/scaledobjects"] = no_answer(404, "page not found")
    rate = {"metric": {"name": "rate"}, "target": {"averageValue": "30"}, "current": {"averageValue": "7"}}
    for metrics in (hpa(answers)["spec"]["metrics"], hpa(answers)["status"]["currentMetrics"]):
        metrics[1:] = [{"type": "Pods", "pods": rate}]
    for version in ("v1beta1", "v1beta2"):
        answers[f"{SERVICES}/{version}.custom.metrics.k8s.io"] = no_answer(404, "not found")
    assert "first broken link: adapter: " in verdict(answers)[0]
    answers[f"{SERVICES}/v1beta2.custom.metrics.k8s.io"] = {
        "spec": {"service": {"namespace": "monitoring", "name": "adapter"}},
        "status": {"conditions": [{"type": "Available", "status": "True"}]},
    }
    metric = (
        "/apis/custom.metrics.k8s.io/v1beta2/namespaces/users-api/pods/*/rate"
        "?labelSelector=app.kubernetes.io%2Finstance%3Dusers-api%2Capp.kubernetes.io%2Fcomponent%3Dapi"
    )
    answers[metric] = no_answer(404, "the server could not find the metric rate for pods")
    assert "first broken link: Pods metric: " in verdict(answers)[0]
    values = [{"describedObject": {"name": pod["metadata"]["name"]}, "value": "7"} for pod in pods(answers)]
    answers[metric] = {"items": []}
    assert "each pod must be scraped" in verdict(answers)[0]
    answers[metric] = {"items": values}
    assert verdict(answers)[1]


def with_in_flight(answers: Answers, values: list[Any]) -> None:
    """KEDA scales on the requests in flight as well; `values` are their query's."""
    trigger = copy.deepcopy(scaled_object(answers)["spec"]["triggers"][-1])
    trigger["name"] = "in-flight"
    trigger["metadata"].update(query="sum(users_api_requests_in_flight)", threshold="10")
    scaled_object(answers)["spec"]["triggers"].insert(0, trigger)
    scaled_object(answers)["status"]["externalMetricNames"].insert(0, "s0-prometheus")
    of_rate = prometheus(answers, "sum")
    path = of_rate.partition("?")[0] + "?query=sum%28users_api_requests_in_flight%29"
    answers[path] = {"data": {"result": [{"metric": {}, "value": [0, each]} for each in values]}}
    external = find(answers, "/apis/external")
    answers[external.replace("s1-prometheus", "s0-prometheus")] = {"items": [{"value": "2500m"}]}


def test_requests_in_flight_are_a_link_of_their_own(answers: Answers) -> None:
    """What KEDA asks of them and is told is looked at as the rate is."""
    with_in_flight(answers, ["2.5"])
    report, whole = verdict(answers)
    assert whole
    assert "2.5 requests in flight over" in report
    assert "wanted of each: 10" in report
    assert "s0-prometheus is 2500m; s1-prometheus is " in report


def test_an_image_without_the_gauge_is_the_cause(answers: Answers) -> None:
    """Where no pod tells its requests in flight the remedy names the metric and the value that asks for it."""
    with_in_flight(answers, [])
    report, whole = verdict(answers)
    assert not whole
    cause = report[report.index("first broken link: ") :]
    assert cause.startswith("first broken link: query: the query has 0 series")
    assert "/metrics has users_api_requests_in_flight" in cause
    assert "autoscaling.inFlight.enabled=false" in cause


def test_an_adapter_must_serve_the_requests_in_flight(answers: Answers) -> None:
    """Of two Pods metrics each is asked for, and what is missing of this one is the gauge itself."""
    answers["/apis/keda.sh/v1alpha1/namespaces/users-api/scaledobjects"] = no_answer(404, "page not found")
    names = ("rate", "users_api_requests_in_flight")
    hpa(answers)["spec"]["metrics"][1:] = [
        {"type": "Pods", "pods": {"metric": {"name": name}, "target": {"averageValue": "30"}}} for name in names
    ]
    answers[f"{SERVICES}/v1beta2.custom.metrics.k8s.io"] = {
        "spec": {"service": {"namespace": "monitoring", "name": "adapter"}},
        "status": {"conditions": [{"type": "Available", "status": "True"}]},
    }
    answers[f"{SERVICES}/v1beta1.custom.metrics.k8s.io"] = no_answer(404, "not found")
    values = [{"describedObject": {"name": pod["metadata"]["name"]}, "value": "7"} for pod in pods(answers)]
    rate, in_flight = (
        f"/apis/custom.metrics.k8s.io/v1beta2/namespaces/users-api/pods/*/{name}"
        "?labelSelector=app.kubernetes.io%2Finstance%3Dusers-api%2Capp.kubernetes.io%2Fcomponent%3Dapi"
        for name in names
    )
    answers.update({rate: {"items": values}, in_flight: no_answer(404, "could not find the metric")})
    report, _ = verdict(answers)
    assert f"rate of {len(values)} pods: 7, 7" in report
    assert "first broken link: Pods metric: the adapter has no users_api_requests_in_flight" in report
    assert "autoscaling.inFlight.enabled=false" in report


def test_nothing_to_look_at_is_an_error(answers: Answers) -> None:
    """A release that is not there is told from one with a broken link."""
    answers[find(answers, "/apis/apps")]["items"] = []
    with pytest.raises(ClusterError, match="helm list --all-namespaces"):
        verdict(answers)
