import json
from typing import Any

from k8s.cluster import network

_RANGES = ["10.244.0.0/24", "10.244.1.0/24", "10.244.2.0/24"]


def _addresses(own: str) -> dict[str, str]:
    settings: Any = network.configuration(network.Network(own), network.around(_RANGES))
    (addresses,) = json.loads(json.dumps(settings))["plugins"][0]["ipam"]["ranges"][0]
    return {str(key): str(value) for key, value in addresses.items()}


def test_what_is_for_a_service_is_refused_on_its_way_out() -> None:
    """Each way out of a node is closed to the Services' addresses, once though it is laid twice."""
    forward, output = network.keep_in(["10.96.0.0/16"])
    for command, chain in ((forward, "FORWARD"), (output, "OUTPUT")):
        check, insert = command.split(" || ")
        rule = f"{chain} --destination 10.96.0.0/16 --jump REJECT"
        assert check == f"iptables --check {rule} 2>/dev/null"
        assert insert == f"iptables --insert {rule}"


def test_pods_of_all_nodes_are_in_one_network() -> None:
    """The network of a pod's address has every node's range in it, so that no address between pods is translated."""
    for own in _RANGES:
        subnet = network.Network(_addresses(own)["subnet"])
        assert all(network.Network(other).subnet_of(subnet) for other in _RANGES)


def test_a_node_gives_addresses_of_its_own_range_only() -> None:
    """No two nodes can give the same address, and none gives its gateway's or the range's first and last."""
    assert _addresses("10.244.1.0/24") == {
        "subnet": "10.244.0.0/22",
        "rangeStart": "10.244.1.2",
        "rangeEnd": "10.244.1.254",
        "gateway": "10.244.1.1",
    }
