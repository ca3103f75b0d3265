import time
from collections.abc import Mapping, Sequence

from k8s.client.errors import ClusterError
from k8s.client.prometheus import Prometheus
from k8s.client.recorder import PERIOD_SECONDS, Moment
from loadtests.timeline.k6_output import K6Output
from loadtests.timeline.sample import Sample

RATE_WINDOW_SECONDS = 20
# k6 writes what it measured once a second; with its own buffering two seconds are whole for sure.
K6_LAG_SECONDS = 2
# Shown after the last change, so that the plot ends level.
LEVEL_MOMENTS = 5


class Record:
    """What a recorder saw of a release under load, beside what k6 and Prometheus know of the same seconds."""

    def __init__(
        self, moments: Sequence[Moment], output: K6Output, prometheus: Prometheus, requests: str | None
    ) -> None:
        """Take the recorder's own list, which grows while it records; `requests` selects the counters of requests."""
        self._moments = moments
        self._output = output
        self._prometheus = prometheus
        self._rate = requests and f"sum(rate({requests}[{RATE_WINDOW_SECONDS}s]))"
        self._since_s = time.time()

    def newest(self) -> Sample | None:
        """The last moment, with k6's numbers of two seconds before; None: the cluster did not answer."""
        self._output.update()
        if not self._moments:
            return None
        rate = self._prometheus.value(self._rate) if self._rate else None
        return self._sample(self._moments[-1], rate, K6_LAG_SECONDS)

    def samples(self) -> list[Sample]:
        """All moments that are known, with the numbers of the same second."""
        self._output.update()
        rates = self._rates()
        found = (self._sample(moment, rates.get(self._time_s(moment))) for moment in self._moments)
        # The recorder makes up for a stall, by several moments in one second: the last of them counts.
        return list({sample.time_s: sample for sample in found if sample is not None}.values())

    def is_level(self, minimum: int) -> bool:
        """Whether as few replicas were wanted and ready for some seconds."""
        last = [self._sample(moment, None) for moment in self._moments[-LEVEL_MOMENTS:]]
        at_minimum = [sample for sample in last if sample and sample.desired == sample.ready == minimum]
        return len(at_minimum) == LEVEL_MOMENTS

    def silent_seconds(self) -> float:
        """For how long the cluster has not said all of it."""
        known = (moment.at_s for moment in reversed(self._moments) if moment.autoscaler is not None)
        return time.time() - next(known, self._since_s)

    def _rates(self) -> Mapping[int, float]:
        """Requests a second by the seconds since the first moment, as far as Prometheus knows."""
        if not self._moments or not self._rate:
            return {}
        began_s, ended_s = self._moments[0].at_s, self._moments[-1].at_s
        try:
            found = self._prometheus.query_range(self._rate, began_s, ended_s + PERIOD_SECONDS, PERIOD_SECONDS)
        except ClusterError:
            return {}
        return {round(at_s - began_s): value for series in found for at_s, value in series.values}

    def _time_s(self, moment: Moment) -> int:
        return round(moment.at_s - self._moments[0].at_s)

    def _sample(self, moment: Moment, rps: float | None, lag_seconds: int = 0) -> Sample | None:
        if moment.autoscaler is None or moment.wanted is None or moment.ready is None:
            return None
        second = int(moment.at_s) - lag_seconds
        return Sample(
            time_s=self._time_s(moment),
            desired=moment.autoscaler.wants(moment.wanted),
            ready=moment.ready,
            rps=rps,
            cpu_percent=moment.autoscaler.cpu_percent,
            p95_ms=self._output.p95_ms(second),
            failed_total=self._output.failed_total(second),
        )
