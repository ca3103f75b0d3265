"""A pod network of two reference CNI plugins and static routes, for nodes built here.

kind's own plugin comes as an image only. A veth pair a pod (ptp), addresses
from the node's range (host-local), and a route to each other node's range is
all that a cluster on one bridge needs. It enforces no NetworkPolicy; `k8s/policies` does.
"""

import ipaddress
import json
from collections.abc import Iterable

from k8s.cluster.kind import Kind

Network = ipaddress.IPv4Network


def lay(kind: Kind) -> None:
    """Write each node's CNI configuration, its routes to the others and its filter; harmless when repeated."""
    found = json.loads(kind.kubectl("get", "nodes", "-o", "json"))["items"]
    addresses = {node["metadata"]["name"]: _internal_address(node) for node in found}
    ranges = {node["metadata"]["name"]: node["spec"]["podCIDR"] for node in found}
    services = kind.kubectl("get", "servicecidr", "kubernetes", "-o", "jsonpath={.spec.cidrs[*]}").split()
    for name, own_range in ranges.items():
        settings = configuration(Network(own_range), around(ranges.values()))
        text = json.dumps(settings, indent=2)
        commands = ["mkdir -p /etc/cni/net.d", f"echo '{text}' >/etc/cni/net.d/10-pods.conflist"]
        commands += [f"ip route replace {ranges[other]} via {addresses[other]}" for other in ranges if other != name]
        commands += keep_in(services)
        kind.steps.command("network", ["docker", "exec", name, "sh", "-euc", "\n".join(commands)])


def _internal_address(node: dict[str, dict[str, list[dict[str, str]]]]) -> str:
    return next(entry["address"] for entry in node["status"]["addresses"] if entry["type"] == "InternalIP")


def keep_in(services: Iterable[str]) -> list[str]:
    """Return the commands that keep packets to a Service from leaving the node.

    What kube-proxy does not know yet would go to whoever has that address beyond the cluster. Where somebody answers
    there, a client that keeps its connection stays with him: so KEDA and the Collector got 404 from a stranger.
    """
    rules = [f"{chain} --destination {one} --jump REJECT" for one in services for chain in ("FORWARD", "OUTPUT")]
    return [
        f"iptables --check {rule} 2>/dev/null || iptables --insert {rule}"  # after the translation: it is for no pod
        for rule in rules
    ]


def around(ranges: Iterable[str]) -> Network:
    """Return the smallest network that has all of these in it."""
    found = [Network(one) for one in ranges]
    network = found[0]
    while not all(one.subnet_of(network) for one in found):
        network = network.supernet()
    return network


def configuration(own: Network, pods: Network) -> dict[str, object]:
    """Return the configuration for a node whose pods have addresses of `own`, in the network of all `pods`.

    ptp gives the node's address to what leaves the network of a pod's address. That network is the one of all pods, so
    pods of two nodes see each other's own address, as a NetworkPolicy must, and who believes a proxy by its address.
    """
    addresses = {
        "subnet": str(pods),
        "rangeStart": str(own[2]),
        "rangeEnd": str(own[-2]),
        "gateway": str(own[1]),
    }
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
                    "ranges": [[addresses]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
            {"type": "portmap", "capabilities": {"portMappings": True}},
        ],
    }
