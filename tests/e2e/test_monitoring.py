from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from kubernetes import client

from k8s.client.prometheus import Prometheus, Sample
from k8s.client.waiting import wait_until
from tests.e2e.release import NAMESPACE, Release

pytestmark = pytest.mark.e2e

# One scrape of kube-state-metrics after another, and what a rollout before this test left.
SETTLED_SECONDS = 90
ACTIVE = {"AbleToScale": "true", "ScalingActive": "true"}


def _values(samples: Iterable[Sample], label: str) -> dict[str, float]:
    return {sample.labels.get(label, ""): sample.value for sample in samples}


def test_the_autoscaler_is_seen_as_it_is(release: Release, prometheus: Prometheus) -> None:
    """The series that the alerts read say what the autoscaler itself says, under its own namespace and name."""
    name = release.autoscaler().name
    selector = f'{{namespace="{NAMESPACE}",horizontalpodautoscaler="{name}"}}'

    def said() -> dict[str, float | str | None]:
        hpa = release.autoscaler()
        conditions = {kind: condition.status.lower() for kind, condition in hpa.conditions.items()}
        return {
            "status_desired_replicas": hpa.desired,
            "spec_max_replicas": hpa.maximum,
            "spec_min_replicas": hpa.minimum,
            **conditions,
        }

    def seen() -> dict[str, float | str | None]:
        series = ("status_desired_replicas", "spec_max_replicas", "spec_min_replicas")
        conditions = prometheus.query(f"kube_horizontalpodautoscaler_status_condition{selector} == 1")
        return {
            **{one: prometheus.value(f"kube_horizontalpodautoscaler_{one}{selector}") for one in series},
            **{sample.labels["condition"]: sample.labels["status"] for sample in conditions},
        }

    # Right after a rollout no pod has a CPU figure yet, so that ScalingActive is false, there as here.
    wait_until(
        lambda: (said(), seen()),
        lambda pair: pair[0] == pair[1] and pair[0].items() >= ACTIVE.items(),
        SETTLED_SECONDS,
        "an active autoscaler, and the same in Prometheus",
    )


def test_the_pods_are_seen_on_their_nodes(release: Release, prometheus: Prometheus, api: client.ApiClient) -> None:
    """`namespace`, `pod` and `node` are those of the objects, not of what exports them."""
    running = {pod.name: pod.node for pod in release.api_pods() if not pod.stopping}

    def seen() -> dict[str, str]:
        samples = prometheus.query(
            f'kube_pod_info{{namespace="{NAMESPACE}",created_by_kind="ReplicaSet"}} unless kube_pod_deletion_timestamp'
        )
        return {sample.labels["pod"]: sample.labels["node"] for sample in samples}

    wait_until(seen, lambda pods: pods == running, SETTLED_SECONDS, "the release's pods in Prometheus")
    assert prometheus.value("count(kube_node_info)") == len(client.CoreV1Api(api).list_node().items)


def test_a_cron_job_is_seen_with_its_last_success(
    release: Release, prometheus: Prometheus, api: client.ApiClient
) -> None:
    """The alert on an old backup reads when the CronJob was made, and when a Job of it last succeeded."""
    batch: Any = client.BatchV1Api(api)  # in the client's types every field of every object may be None
    name = "seen"
    pod = {"containers": [{"name": "none", "image": "none"}], "restartPolicy": "Never"}
    spec = {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": {"template": {"spec": pod}}}}
    made = batch.create_namespaced_cron_job(release.namespace, {"metadata": {"name": name}, "spec": spec})
    try:
        succeeded = made.metadata.creation_timestamp + timedelta(hours=1)
        status = {"status": {"lastSuccessfulTime": succeeded.isoformat()}}
        batch.patch_namespaced_cron_job_status(name, release.namespace, status)
        selector = f'{{namespace="{release.namespace}",cronjob="{name}"}}'
        series = ("kube_cronjob_created", "kube_cronjob_status_last_successful_time")
        wait_until(
            lambda: [prometheus.value(f"{one}{selector}") for one in series],
            lambda seen: seen == [made.metadata.creation_timestamp.timestamp(), succeeded.timestamp()],
            SETTLED_SECONDS,
            "the CronJob in Prometheus",
        )
    finally:
        batch.delete_namespaced_cron_job(name, release.namespace)


def test_redis_is_seen_from_within(release: Release, prometheus: Prometheus) -> None:
    """Its exporter logs in with the account that the chart gave it, and its memory limit is the chart's."""
    (redis,) = release.redis_pods()

    def seen() -> dict[str, float]:
        return _values(prometheus.query(f'redis_up{{namespace="{NAMESPACE}"}}'), "pod")

    wait_until(seen, lambda pods: pods == {redis.name: 1}, SETTLED_SECONDS, "redis_up in Prometheus")
    assert (prometheus.value(f'redis_memory_max_bytes{{namespace="{NAMESPACE}"}}') or 0) > 0


@pytest.mark.usefixtures("release")
def test_every_target_answers(prometheus: Prometheus) -> None:
    """Whatever Prometheus is told to scrape can be scraped."""
    wait_until(
        lambda: [dict(sample.labels) for sample in prometheus.query("up == 0")],
        lambda down: not down,
        SETTLED_SECONDS,
        "targets that are down",
    )
