from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """What a control plane is asked for.

    Attributes:
        sync_seconds: between two looks of the HPA controller at each autoscaler.
        cpu_initialization_seconds: for which the CPU of a pod that was not ready counts for nothing.
        readiness_delay_seconds: in which a pod's readiness is its first.
        ready_after_ms: from a pod's binding to its readiness.
        gone_after_ms: from a pod's deletion to its end.
        node_leases: whether each node renews a Lease every ten seconds, as a kubelet does, and a controller watches it.
    """

    sync_seconds: float = 15
    cpu_initialization_seconds: float = 300
    readiness_delay_seconds: float = 30
    ready_after_ms: int = 4000
    gone_after_ms: int = 15_000
    node_leases: bool = False
