from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

from k8s.client.api import get
from k8s.client.errors import ClusterError
from k8s.cluster.revision import revision
from loadtests import k6
from loadtests.assess.installation import Installation
from loadtests.machine import first_line, machine


def facts(installation: Installation) -> dict[str, Any]:
    """Tell what the figures depend on: the load generator's machine, the cluster, the release.

    Raises:
        ClusterError: the cluster does not answer.
    """
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "base_url": installation.base_url,
        "revision": revision(),
        "service": installation.version(),
        "machine": {**machine(), "k6": k6_version(), "scipy": version("scipy")},
        "cluster": _cluster(installation),
        "release": _release(installation),
    }


def _cluster(installation: Installation) -> dict[str, Any]:
    nodes = get(installation.api, "/api/v1/nodes")["items"]
    return {
        "context": installation.context,
        "kubernetes": get(installation.api, "/version")["gitVersion"],
        "nodes": [{"name": node["metadata"]["name"], "cores": node["status"]["capacity"]["cpu"]} for node in nodes],
    }


def _release(installation: Installation) -> dict[str, Any]:
    release = installation.release
    found = release.read()
    return {
        "namespace": release.namespace,
        "name": release.name,
        "deployment": release.deployment,
        "chart": found["metadata"]["labels"].get("helm.sh/chart", ""),
        "images": [container["image"] for container in found["spec"]["template"]["spec"]["containers"]],
        "replicas": release.ready(),
        "autoscaler": _autoscaler(installation),
    }


def _autoscaler(installation: Installation) -> dict[str, int] | None:
    try:
        found = installation.release.autoscaler()
    except ClusterError:
        return None
    return {"minimum": found.minimum, "maximum": found.maximum}


def k6_version() -> str:
    """Tell which k6 it is, as it says itself."""
    return first_line(k6.executable(), "version").removeprefix("k6 ").partition(" ")[0]
