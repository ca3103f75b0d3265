"""How the replicas follow a ramp of load: record, table, plot and verdict."""

from loadtests.timeline.cluster import Cluster
from loadtests.timeline.command import timeline

__all__ = ["Cluster", "timeline"]
