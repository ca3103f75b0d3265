from typing import Any

from k8s.client.api import get
from k8s.client.release import Release
from k8s.ingress.controllers import CONTROLLERS

SERVICE = "service pods"
REDIS = "Redis"
POSTGRESQL = "PostgreSQL"
INGRESS = "ingress controller"
CONTROL_PLANE = "control plane (kube-system)"
ADDONS = "monitoring, autoscaling and other pods"
# By the recommended label app.kubernetes.io/name: the local cluster's, and others.
INGRESS_NAMES = frozenset({one.app for one in CONTROLLERS} | {"nginx-ingress", "haproxy-ingress", "envoy"})
_OF_RELEASE = {
    "api": SERVICE,
    "redis": REDIS,
    "postgresql-primary": POSTGRESQL,
    "postgresql-replica": POSTGRESQL,
    "postgresql-pooler": POSTGRESQL,
}
AGENTS = frozenset(
    {"kubelet", "containerd", "containerd-shim", "dockerd", "docker-proxy", "runc", "systemd", "systemd-journal"}
)


class Parts:
    """Which part of the whole a pod is of, by its UID or name."""

    def __init__(self, api: Any, release: Release) -> None:  # noqa: ANN401 - the client has no types
        self._api = api
        self._release = release
        self._by_uid: dict[str, tuple[str, str]] = {}
        self._by_name: dict[tuple[str, str], str] = {}

    def refresh(self) -> None:
        """Learn of new pods; those that have gone stay known.

        Raises:
            ClusterError: the cluster does not answer.
        """
        for pod in get(self._api, "/api/v1/pods")["items"]:
            metadata = pod["metadata"]
            part = self._part(metadata["namespace"], metadata.get("labels", {}))
            # A static pod's cgroup has the hash of its manifest, not the UID of what mirrors it in the API.
            uid = metadata.get("annotations", {}).get("kubernetes.io/config.mirror", metadata["uid"])
            self._by_uid[uid] = part, metadata["name"]
            self._by_name[metadata["namespace"], metadata["name"]] = part

    def of(self, uid: str) -> tuple[str, str]:
        """Part and name of a pod."""
        return self._by_uid.get(uid, (ADDONS, uid))

    def named(self, namespace: str, name: str) -> str:
        """Part of a pod."""
        return self._by_name.get((namespace, name), ADDONS)

    def _part(self, namespace: str, labels: dict[str, str]) -> str:
        component = labels.get("app.kubernetes.io/component")
        if namespace == self._release.namespace and component in _OF_RELEASE:
            return _OF_RELEASE[component]
        if labels.get("app.kubernetes.io/name") in INGRESS_NAMES:
            return INGRESS
        return CONTROL_PLANE if namespace == "kube-system" else ADDONS
