from collections.abc import Sequence

from k8s.client.application import USERS_API, Application
from k8s.client.event import Event
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from loadtests.watch.events import read_events
from loadtests.watch.feed import Feed
from loadtests.watch.fleet import read_fleet
from loadtests.watch.history import History
from loadtests.watch.snapshot import Fleet, Traffic
from loadtests.watch.traffic import read_traffic, traffic_query

REFRESH_SECONDS = 1
# A busy namespace lists hundreds, and none is as urgent as a replica.
EVENTS_REFRESH_SECONDS = 3


class View:
    """All that the live view shows: three feeds that fail apart from each other, and what they have shown so far."""

    def __init__(
        self,
        context: str,
        release: Release,
        prometheus: Prometheus,
        window_seconds: int,
        application: Application = USERS_API,
    ) -> None:
        """Take the span that rates and latencies are averaged over: at least two scrapes of Prometheus.

        `context` is that of the release's cluster, for a person to read; `application` says what there is to ask for.
        """
        self.context = context
        self.release = release
        self.application = application
        self.fleet: Feed[Fleet] = Feed(lambda: read_fleet(release), REFRESH_SECONDS)
        self.traffic: Feed[Traffic] = Feed(
            lambda: read_traffic(prometheus, traffic_query(release.series, window_seconds, application.metrics)),
            REFRESH_SECONDS,
        )
        self.events: Feed[Sequence[Event]] = Feed(lambda: read_events(release), EVENTS_REFRESH_SECONDS)
        self.history = History(application)

    def remember(self, feed: Feed[Fleet] | Feed[Traffic] | Feed[Sequence[Event]]) -> None:
        """Add what a feed has just brought, if it brought anything, to the history."""
        if feed.error is not None:
            return
        if feed is self.fleet and self.fleet.value is not None:
            self.history.add_fleet(self.fleet.value)
        elif feed is self.traffic and self.traffic.value is not None:
            self.history.add_traffic(self.traffic.value)
