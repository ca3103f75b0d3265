from dataclasses import dataclass
from typing import Any

from k8s.client.notation import quantity

# https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale; a cluster may have another by a flag, which
# nobody outside can read.
DEFAULT_TOLERANCE = 0.1


@dataclass(frozen=True)
class Tolerance:
    """How far a metric may be off its target, as a share of it, before it asks for another count."""

    down: float = DEFAULT_TOLERANCE
    up: float = DEFAULT_TOLERANCE

    def bears(self, ratio: float) -> bool:
        """Whether a metric so many times its target asks for no other count."""
        return 1 - self.down <= ratio <= 1 + self.up


def tolerance_of(hpa: Any) -> Tolerance:  # noqa: ANN401 - JSON
    """Read what its behavior says, where the cluster has such a field."""
    behavior = hpa["spec"].get("behavior") or {}
    said = (quantity((behavior.get(direction) or {}).get("tolerance")) for direction in ("scaleDown", "scaleUp"))
    return Tolerance(*(DEFAULT_TOLERANCE if each is None else each for each in said))
