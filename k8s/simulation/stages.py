"""What kwok makes of nodes and pods: a node is ready at once, a pod some time after it was bound to one."""

import json
from typing import Any

from k8s.simulation.options import Options

_NODE_STATUS = """
{{ $now := Now }}
conditions:
{{ range NodeConditions }}
- lastHeartbeatTime: {{ $now | Quote }}
  lastTransitionTime: {{ $now | Quote }}
  message: {{ .message | Quote }}
  reason: {{ .reason | Quote }}
  status: {{ .status | Quote }}
  type: {{ .type | Quote }}
{{ end }}
phase: Running
"""
_POD_STATUS = """
{{ $now := Now }}
conditions:
{{ range $type := list "Initialized" "Ready" "ContainersReady" }}
- lastTransitionTime: {{ $now | Quote }}
  status: "True"
  type: {{ $type | Quote }}
{{ end }}
containerStatuses:
{{ range .spec.containers }}
- image: {{ .image | Quote }}
  name: {{ .name | Quote }}
  ready: true
  restartCount: 0
  state:
    running:
      startedAt: {{ $now | Quote }}
{{ end }}
phase: Running
startTime: {{ $now | Quote }}
"""
_DELETING = {"key": ".metadata.deletionTimestamp", "operator": "Exists"}
_ALIVE = {"key": ".metadata.deletionTimestamp", "operator": "DoesNotExist"}
_NOT_READY = {
    "key": '.status.conditions.[] | select( .type == "Ready" ) | .status',
    "operator": "NotIn",
    "values": ["True"],
}


def stages(options: Options) -> str:
    """Write kwok's configuration, as a stream of JSON documents in YAML."""
    ready = _stage("Pod", [_ALIVE, _NOT_READY], {"statusTemplate": _POD_STATUS}, options.ready_after_ms)
    gone = _stage("Pod", [_DELETING], {"delete": True}, options.gone_after_ms)
    node = _stage("Node", [_NOT_READY], {"statusTemplate": _NODE_STATUS}, 0)
    return "\n---\n".join(json.dumps(stage) for stage in (node, ready, gone))


def _stage(kind: str, selector: list[dict[str, Any]], following: dict[str, Any], delay_ms: int) -> dict[str, Any]:
    name = f"{kind.lower()}-{'gone' if 'delete' in following else 'ready'}"
    return {
        "apiVersion": "kwok.x-k8s.io/v1alpha1",
        "kind": "Stage",
        "metadata": {"name": name},
        "spec": {
            "resourceRef": {"apiGroup": "v1", "kind": kind},
            "selector": {"matchExpressions": selector},
            # A fifth more at most: no two starts are alike.
            "delay": {"durationMilliseconds": delay_ms, "jitterDurationMilliseconds": delay_ms * 6 // 5},
            "next": following,
        },
    }
