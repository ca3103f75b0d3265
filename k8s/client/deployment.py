"""Which Deployment serves a release. It is found by the chart's labels, as its name depends on the values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from k8s.client.errors import ClusterError

Json = Mapping[str, Any]


def selector(release: str, component: str = "api", *, only_of: Json | None = None) -> str:
    """Select by label what is `component` of a release; of the same chart as the Deployment `only_of`, if given."""
    labels = {"app.kubernetes.io/instance": release, "app.kubernetes.io/component": component}
    if only_of is not None:
        labels["app.kubernetes.io/name"] = only_of["metadata"]["labels"]["app.kubernetes.io/name"]
    return ",".join(f"{name}={value}" for name, value in labels.items())


def is_of_chart(deployment: Json) -> bool:
    """Whether it has the labels that the chart gives its Deployment of the API."""
    labels = deployment["metadata"].get("labels", {})
    return labels.get("app.kubernetes.io/component") == "api" and "app.kubernetes.io/name" in labels


def own_selector(deployment: Json) -> str:
    """Select a Deployment's pods as it does itself."""
    return ",".join(f"{name}={value}" for name, value in deployment["spec"]["selector"]["matchLabels"].items())


def choose(found: Sequence[Json], namespace: str, release: str, name: str = "") -> Json:
    """Return the one Deployment that `selector` found of a release, or of several the one called `name`.

    Raises:
        ClusterError: there is none, or there are more and no name says which.
    """
    where = f"release {release} in namespace {namespace}"
    names = ", ".join(sorted(each["metadata"]["name"] for each in found))
    if not found:
        raise ClusterError(
            f"no {where}: `helm list --all-namespaces` shows where it is, and `make install` installs it; "
            "--namespace and --release (NAMESPACE= and RELEASE= of make) name another"
        )
    if name:
        found = [each for each in found if each["metadata"]["name"] == name]
        if not found:
            raise ClusterError(f"{where} has no Deployment {name} of the API, but {names}: --deployment names one")
    if len(found) > 1:
        raise ClusterError(
            f"{where} has more than one Deployment of the API: {names}. --deployment (DEPLOYMENT= of make) names one"
        )
    return found[0]


def surge_of(max_surge: int | str, replicas: int) -> int:
    """Give the extra pods of a rollout, as Kubernetes rounds them: up."""
    text = str(max_surge)
    return math.ceil(replicas * int(text.removesuffix("%")) / 100) if text.endswith("%") else int(text)


def series_of_pods(namespace: str, deployment: str) -> str:
    """Select its pods' series in PromQL, the names of pods that are gone too."""
    return f'namespace="{namespace}",pod=~"{deployment}-[a-z0-9]+-[a-z0-9]{{5}}"'
