"""How KEDA is told by annotation to leave a ScaledObject's replicas alone."""

from k8s.doctor.snapshot import Json

_KEDA = "autoscaling.keda.sh"
PAUSED, REPLICAS = f"{_KEDA}/paused", f"{_KEDA}/paused-replicas"
IN, OUT = f"{_KEDA}/paused-scale-in", f"{_KEDA}/paused-scale-out"
# As Go reads a truth.
_TRUE = frozenset({"1", "t", "T", "true", "TRUE", "True"})


def pauses(scaled_object: Json | None) -> dict[str, str]:
    """Find the annotations that pause it: wholly, or in one direction."""
    annotations = (scaled_object or {}).get("metadata", {}).get("annotations") or {}
    return {
        name: annotations[name]
        for name in (PAUSED, REPLICAS, IN, OUT)
        if name in annotations and (name == REPLICAS or annotations[name] in _TRUE)
    }


def unpause(namespace: str, scaled_object: Json, *names: str) -> str:
    """Give the command that takes annotations away; without names that which pauses it at the count it has."""
    which = " ".join(f"{name}-" for name in names or (PAUSED,))
    return f"kubectl --namespace {namespace} annotate scaledobject {scaled_object['metadata']['name']} {which}"
