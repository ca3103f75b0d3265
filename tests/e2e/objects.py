"""All that is in a namespace, of whatever kind. By processes of kubectl a look cost two seconds of CPU."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from kubernetes import client

from k8s.client.api import get

# The kinds of all groups in one answer.
KINDS = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
NAMES = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
# Beside whatever else the machine does.
TIMEOUT_SECONDS = 30
# What every namespace has, whoever lives in it.
ALWAYS_THERE = {"configmap/kube-root-ca.crt", "serviceaccount/default"}


class Kind(NamedTuple):
    """A kind of objects that namespaces have."""

    group: str
    version: str
    plural: str
    singular: str

    @property
    def name(self) -> str:
        """As `kubectl get --output=name` puts it before an object's own."""
        return f"{self.singular}.{self.group}" if self.group else self.singular

    def path(self, namespace: str) -> str:
        """Where the API server lists those of a namespace."""
        root = f"/apis/{self.group}" if self.group else "/api"
        return f"{root}/{self.version}/namespaces/{namespace}/{self.plural}"


def objects_in(api: client.ApiClient, namespace: str) -> set[str]:
    """Return the names of all there is but what every namespace has, the history of events, and pods' figures."""
    kinds = {(kind.group, kind.plural): kind for kind in _kinds(api)}  # by one version of each
    found = set[str]()
    for kind in kinds.values():
        if kind.plural != "events" and kind.group != "metrics.k8s.io":
            items = _items(api, kind.path(namespace), NAMES)
            found |= {f"{kind.name}/{item['metadata']['name']}" for item in items}
    return found - ALWAYS_THERE


def _kinds(api: client.ApiClient) -> Iterator[Kind]:
    for root in ("/api", "/apis"):
        for group in _items(api, root, KINDS):
            for version in group["versions"]:
                for kind in version.get("resources", ()):
                    if kind["scope"] == "Namespaced" and "list" in kind["verbs"]:
                        yield _kind(group["metadata"].get("name", ""), version["version"], kind)


def _items(api: client.ApiClient, path: str, accept: str) -> Any:  # noqa: ANN401 - JSON
    return get(api, path, accept=accept, timeout_seconds=TIMEOUT_SECONDS)["items"] or ()


def _kind(group: str, version: str, said: Any) -> Kind:  # noqa: ANN401 - JSON
    return Kind(group, version, said["resource"], said["singularResource"])
