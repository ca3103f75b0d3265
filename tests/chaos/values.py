from typing import Any

# Beside those of tests/e2e: as many replicas as the kind values allow, and more patience than a restart of all pods
# takes, during which the request rate has a hole.
VALUES: dict[str, Any] = {
    "autoscaling": {
        "maxReplicas": 8,
        "requestRate": {"targetPerReplica": 50},
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 20}},
    }
}
# 200 requests a second, spread over four replicas that the autoscaler has no reason to change.
FOUR: dict[str, Any] = {"autoscaling": {"minReplicas": 4}}
