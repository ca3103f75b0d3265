from typing import Any

# Beside those of tests/e2e: as many replicas as those of `make demo` allow, and more patience than a restart of all
# pods takes, during which the request rate has a hole.
VALUES: dict[str, Any] = {
    "postgresql": {"mode": "none"},  # tests/chaos/postgresql has one
    "autoscaling": {
        "maxReplicas": 8,
        "requestRate": {"targetPerReplica": 55},
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": 20}},
    },
}
# What the starts of pods take on a busy machine is no reason to have more of them.
CPU_OUT_OF_REACH: dict[str, Any] = {"cpu": {"targetUtilizationPercent": 900}}
# 200 requests a second, with some room, for four replicas that the autoscaler has no reason to change.
FOUR: dict[str, Any] = {"autoscaling": {"minReplicas": 4, **CPU_OUT_OF_REACH}}
