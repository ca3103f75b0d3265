import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from k8s.client.api import get, patch
from k8s.client.autoscaler import Autoscaler
from k8s.client.release import Release
from k8s.client.waiting import wait_until
from loadtests.errors import LoadTestError
from loadtests.tune.ownership import MANAGER, Entry, given_back

PATIENCE_SECONDS = 180
# The fewest and the most, as either kind calls them.
_OF_HPA, _OF_KEDA = ("minReplicas", "maxReplicas"), ("minReplicaCount", "maxReplicaCount")


def require_a_fixed_count(release: Release) -> None:
    """Refuse a release whose autoscaler would follow the load that measures a replica.

    Raises:
        LoadTestError: it would.
        ClusterError: the cluster does not answer.
    """
    autoscaler, present = release.find_autoscaler(), release.wanted()
    if autoscaler is not None and not autoscaler.minimum == autoscaler.maximum == present:
        raise LoadTestError(
            f"the autoscaler would follow the load: it has {present} replicas, and may have {autoscaler.minimum} to "
            f"{autoscaler.maximum}. --hold (HOLD=1 of make) keeps them at {present} while they are measured, by the "
            f"bounds of {named(autoscaler)}, and puts these back"
        )


@contextmanager
def held(
    api: Any,  # noqa: ANN401 - the client has no types
    release: Release,
    count: int,
    say: Callable[[str], None],
) -> Iterator[None]:
    """Keep the replicas at `count` for as long as the block lasts, by the bounds of what scales them.

    Raises:
        LoadTestError: nothing scales them, so that their count is not the autoscaler's to hold.
        ClusterError: the cluster does not answer, refuses, or they were not so many in time.
    """
    autoscaler = release.find_autoscaler()
    if autoscaler is None:
        raise LoadTestError(f"nothing scales Deployment {release.deployment}: it needs no --hold")
    path, names = _scaler(release, autoscaler)
    found = get(api, path)
    before = {name: found["spec"].get(name) for name in names}
    undo = json.dumps({"spec": before})
    kind = named(autoscaler).replace(" ", "/").lower()
    say(f"{named(autoscaler)} is held at {count}; should this end untimely, put its bounds back:")
    say(f"  kubectl --namespace {release.namespace} patch {kind} --type merge --patch '{undo}'")
    try:
        patch(api, path, {"spec": dict.fromkeys(names, count)}, MANAGER)
        wait_until(lambda: _bounds(release), lambda seen: seen == (count, count), PATIENCE_SECONDS, "bounds held")
        release.wait_for_replicas(count, PATIENCE_SECONDS)
        yield
    finally:
        patch(api, path, {"spec": before}, MANAGER)
        owners = given_back(_owners(found), _owners(get(api, path)), names)
        if owners:
            patch(api, path, {"metadata": {"managedFields": owners}}, MANAGER)


def _owners(found: Any) -> list[Entry]:  # noqa: ANN401 - JSON
    return list(found["metadata"].get("managedFields", ()))


def _scaler(release: Release, autoscaler: Autoscaler) -> tuple[str, tuple[str, str]]:
    """Give the path of what is the user's to change, and its names of the bounds: KEDA writes its HPA anew."""
    namespace = f"namespaces/{release.namespace}"
    if autoscaler.scaled_object:
        return f"/apis/keda.sh/v1alpha1/{namespace}/scaledobjects/{autoscaler.scaled_object}", _OF_KEDA
    return f"/apis/autoscaling/v2/{namespace}/horizontalpodautoscalers/{autoscaler.name}", _OF_HPA


def named(autoscaler: Autoscaler) -> str:
    """Name what has the bounds that are the user's to change."""
    return f"ScaledObject {autoscaler.scaled_object}" if autoscaler.scaled_object else f"HPA {autoscaler.name}"


def _bounds(release: Release) -> tuple[int, int]:
    autoscaler = release.autoscaler()
    return autoscaler.minimum, autoscaler.maximum
