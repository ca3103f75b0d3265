"""The live view of a release: replicas, rate, latency, cache, limiter, database, autoscaler, events, every second."""

from loadtests.watch.command import watch
from loadtests.watch.view import View

__all__ = ["View", "watch"]
