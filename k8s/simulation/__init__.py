"""A Kubernetes control plane of processes on this host, whose nodes and pods kwok simulates.

Its API server, scheduler and controllers are the local cluster's own binaries; kubelets and containers are missing.
"""

from k8s.simulation.api import Api, ApiError
from k8s.simulation.control_plane import METRICS_SERVICE, ControlPlane, control_plane
from k8s.simulation.options import Options
from k8s.simulation.process import GARBAGE_PERCENT, Usage
from k8s.simulation.programs import Programs

__all__ = [
    "GARBAGE_PERCENT",
    "METRICS_SERVICE",
    "Api",
    "ApiError",
    "ControlPlane",
    "Options",
    "Programs",
    "Usage",
    "control_plane",
]
