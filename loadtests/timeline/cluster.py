import json
from dataclasses import dataclass
from typing import Any

from kubernetes import client, config
from kubernetes.client import ApiException
from kubernetes.config import ConfigException
from urllib3.exceptions import HTTPError

from loadtests.errors import LoadTestError

CALL_TIMEOUT_SECONDS = 5


@dataclass(frozen=True)
class Observation:
    """What the cluster says of the release at one time; None where it does not know yet."""

    minimum: int
    desired: int
    ready: int
    cpu_percent: int | None
    rps: float | None


class Cluster:
    """The release's replicas, what its autoscaler sees, and its request rate from Prometheus."""

    def __init__(self, context: str, namespace: str, release: str, prometheus: str) -> None:
        """Take the release's namespace and name, and Prometheus' Service as namespace/name:port."""
        try:
            self._api: Any = config.new_client_from_config(context=context)  # type: ignore[no-untyped-call]
        except ConfigException as error:
            raise LoadTestError(f"no cluster: {error}. `make kind-up` brings one; --context names another") from error
        self._namespace = namespace
        self._release = release
        prometheus_namespace, _, service = prometheus.partition("/")
        self._query_path = f"/api/v1/namespaces/{prometheus_namespace}/services/{service}/proxy/api/v1/query"

    def observe(self) -> Observation:
        """Ask for all of it.

        Raises:
            LoadTestError: the cluster does not answer, or the release or its autoscaler is missing.
        """
        try:
            hpa = self._autoscaler()
            deployment: Any = client.AppsV1Api(self._api).read_namespaced_deployment_status(
                hpa.spec.scale_target_ref.name, self._namespace, _request_timeout=CALL_TIMEOUT_SECONDS
            )
        except (ApiException, HTTPError) as error:
            raise LoadTestError(f"the cluster does not answer: {error}") from error
        return Observation(
            minimum=hpa.spec.min_replicas or 1,
            desired=hpa.status.desired_replicas if hpa.status.current_replicas else deployment.spec.replicas,
            ready=deployment.status.ready_replicas or 0,
            cpu_percent=_cpu_percent(hpa.status.current_metrics or ()),
            rps=self._requests_per_second(),
        )

    def _autoscaler(self) -> Any:  # noqa: ANN401 - the client has no types
        """Find the HPA by what it scales: its name is the chart's or KEDA's."""
        listed = client.AutoscalingV2Api(self._api).list_namespaced_horizontal_pod_autoscaler(
            self._namespace, _request_timeout=CALL_TIMEOUT_SECONDS
        )
        for hpa in listed.items:
            target = hpa.spec.scale_target_ref
            if target.kind == "Deployment" and target.name == self._release:
                return hpa
        raise LoadTestError(
            f"no HorizontalPodAutoscaler in namespace {self._namespace} scales Deployment {self._release}: "
            "`make install` installs the chart; --namespace and --release name another"
        )

    def _requests_per_second(self) -> float | None:
        """Ask Prometheus through the API server, which needs no port of this host; None: it does not answer."""
        query = f'sum(rate(http_requests_total{{namespace="{self._namespace}"}}[20s]))'
        request = self._api.param_serialize(
            "GET", self._query_path, query_params=[("query", query)], auth_settings=["BearerToken"]
        )
        try:
            response = self._api.call_api(*request, _request_timeout=CALL_TIMEOUT_SECONDS)
            return prometheus_value(response.read())
        except (ApiException, HTTPError):
            return None


def prometheus_value(body: bytes) -> float | None:
    """Take the number out of an instant query's answer; None: an error, or no series."""
    answer = json.loads(body)
    series = answer["data"]["result"] if answer["status"] == "success" else []
    return float(series[0]["value"][1]) if series else None


def _cpu_percent(metrics: Any) -> int | None:  # noqa: ANN401 - likewise
    """CPU in percent of the request, as the autoscaler last saw it."""
    for metric in metrics:
        if metric.resource and metric.resource.name == "cpu":
            percent: int | None = metric.resource.current.average_utilization
            return percent
    return None
