from collections.abc import Sequence
from dataclasses import dataclass

from loadtests.watch.api_server import ApiServer
from loadtests.watch.events import read_events
from loadtests.watch.feed import Feed
from loadtests.watch.fleet import read_fleet
from loadtests.watch.history import History
from loadtests.watch.snapshot import Event, Fleet, Traffic
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


class View:
    """All that the live view shows: three feeds that fail apart from each other, and what they have shown so far."""

    def __init__(self, api: ApiServer, release: Release, window_seconds: int) -> None:
        """Take the span that rates and latencies are averaged over: at least two scrapes of Prometheus."""
        query = traffic_query(release.namespace, release.name, window_seconds)
        self.release = release
        self.fleet: Feed[Fleet] = Feed(lambda: read_fleet(api, release.namespace, release.name), REFRESH_SECONDS)
        self.traffic: Feed[Traffic] = Feed(lambda: read_traffic(api, query), REFRESH_SECONDS)
        self.events: Feed[Sequence[Event]] = Feed(
            lambda: read_events(api, release.namespace, release.name), EVENTS_REFRESH_SECONDS
        )
        self.history = History()

    def remember(self, feed: Feed[Fleet] | Feed[Traffic] | Feed[Sequence[Event]]) -> None:
        """Add what a feed has just brought, if it brought anything, to the history."""
        if feed.error is not None:
            return
        if feed is self.fleet and self.fleet.value is not None:
            self.history.add_fleet(self.fleet.value)
        elif feed is self.traffic and self.traffic.value is not None:
            self.history.add_traffic(self.traffic.value)
