"""A pod network of two reference CNI plugins and static routes, for nodes built here.

kind's own plugin comes as an image only. A veth pair a pod (ptp), addresses
from the node's range (host-local), and a route to each other node's range is
all that a cluster on one bridge needs. It enforces no NetworkPolicy.
"""

import json

from k8s.cluster.kind import Kind


def lay(kind: Kind) -> None:
    """Write each node's CNI configuration and its routes to the others; harmless when repeated."""
    found = json.loads(kind.kubectl("get", "nodes", "-o", "json"))["items"]
    addresses = {node["metadata"]["name"]: _internal_address(node) for node in found}
    ranges = {node["metadata"]["name"]: node["spec"]["podCIDR"] for node in found}
    for name, own_range in ranges.items():
        configuration = json.dumps(_configuration(own_range), indent=2)
        commands = ["mkdir -p /etc/cni/net.d", f"echo '{configuration}' >/etc/cni/net.d/10-pods.conflist"]
        commands += [f"ip route replace {ranges[other]} via {addresses[other]}" for other in ranges if other != name]
        kind.steps.command("network", ["docker", "exec", name, "sh", "-euc", "\n".join(commands)])


def _internal_address(node: dict[str, dict[str, list[dict[str, str]]]]) -> str:
    return next(entry["address"] for entry in node["status"]["addresses"] if entry["type"] == "InternalIP")


def _configuration(pod_range: str) -> dict[str, object]:
    return {
        "cniVersion": "1.0.0",
        "name": "pods",
        "plugins": [
            {
                "type": "ptp",
                "ipMasq": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": "/run/cni-addresses",
                    "ranges": [[{"subnet": pod_range}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
