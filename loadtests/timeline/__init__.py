"""How the replicas follow a ramp of load: record, table, plot and verdict."""

from loadtests.timeline.command import OFFERED, Timeline, timeline
from loadtests.timeline.sample import Sample

__all__ = ["OFFERED", "Sample", "Timeline", "timeline"]
