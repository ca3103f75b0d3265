from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from k8s.client.event import Event
from loadtests.watch.api_server import ApiServer
from loadtests.watch.events import read_events
from loadtests.watch.feed import Feed
from loadtests.watch.fleet import read_deployment, read_fleet
from loadtests.watch.history import History
from loadtests.watch.snapshot import Fleet, Traffic
from loadtests.watch.traffic import read_traffic, traffic_query

REFRESH_SECONDS = 1
# A busy namespace lists hundreds, and none is as urgent as a replica.
EVENTS_REFRESH_SECONDS = 3


@dataclass(frozen=True)
class Release:
    """What is watched; `context` and `prometheus` are kept for the messages."""

    context: str
    namespace: str
    name: str
    deployment: str = ""
    """Which one is meant where it has several."""


class View:
    """All that the live view shows: three feeds that fail apart from each other, and what they have shown so far."""

    def __init__(self, api: ApiServer, release: Release, window_seconds: int) -> None:
        """Take the span that rates and latencies are averaged over: at least two scrapes of Prometheus."""
        self.release = release
        self.fleet: Feed[Fleet] = Feed(lambda: read_fleet(api, self._deployment()), REFRESH_SECONDS)
        self.traffic: Feed[Traffic] = Feed(self._read_traffic, REFRESH_SECONDS)
        self.events: Feed[Sequence[Event]] = Feed(
            lambda: read_events(api, release.namespace, self._name()), EVENTS_REFRESH_SECONDS
        )
        self._api = api
        self._window_seconds = window_seconds
        self._known = release.deployment
        self.history = History()

    def _deployment(self) -> Any:  # noqa: ANN401 - JSON
        release = self.release
        found = read_deployment(self._api, release.namespace, release.name, release.deployment)
        self._known = found["metadata"]["name"]
        return found

    def _name(self) -> str:
        """Name the Deployment, as the cluster last did: where it is silent, Prometheus may still answer."""
        return self._known or str(self._deployment()["metadata"]["name"])

    def _read_traffic(self) -> Traffic:
        query = traffic_query(self.release.namespace, self._name(), self._window_seconds)
        return read_traffic(self._api, query)

    def remember(self, feed: Feed[Fleet] | Feed[Traffic] | Feed[Sequence[Event]]) -> None:
        """Add what a feed has just brought, if it brought anything, to the history."""
        if feed.error is not None:
            return
        if feed is self.fleet and self.fleet.value is not None:
            self.history.add_fleet(self.fleet.value)
        elif feed is self.traffic and self.traffic.value is not None:
            self.history.add_traffic(self.traffic.value)
