"""The live view of a release: replicas, rate, latency, cache, limiter, autoscaler and events, refreshed each second."""

from loadtests.watch.api_server import ApiServer
from loadtests.watch.command import watch
from loadtests.watch.view import Release, View

__all__ = ["ApiServer", "Release", "View", "watch"]
