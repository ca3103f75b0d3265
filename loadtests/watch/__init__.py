"""The live view of a release: replicas, rate, latency, cache, limiter, autoscaler and events, refreshed each second."""

from loadtests.watch.command import watch
from loadtests.watch.view import View

__all__ = ["View", "watch"]
