import copy
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from k8s.client.errors import NoAnswerError
from k8s.doctor.snapshot import read
from k8s.doctor.why import explain

HERE = Path(__file__).parent
# What the API server of a cluster gave of an autoscaler that KEDA made, at its fewest replicas.
AUTOSCALER = json.loads((HERE / "autoscaler.json").read_text(encoding="utf-8"))
SCALED_OBJECTS = json.loads((HERE / "healthy.json").read_text(encoding="utf-8"))["answers"][
    "/apis/keda.sh/v1alpha1/namespaces/users-api/scaledobjects"
]
NOW_S = datetime(2026, 11, 30, 1, 50, tzinfo=UTC).timestamp()
RATE, CPU = 0, 1
ABOVE = (
    "New size: {}; reason: external metric s1-prometheus(&LabelSelector{{MatchLabels:map[string]string"
    "{{scaledobject.keda.sh/name: users-api,}},MatchExpressions:[]LabelSelectorRequirement{{}},}}) above target"
)
Json = dict[str, Any]
Change = Callable[["Cluster"], object]


class Cluster:
    """An API server with one release under KEDA, to be changed."""

    def __init__(self) -> None:
        self.hpa: Json | None = copy.deepcopy(AUTOSCALER)
        self.scaled_object: Json | None = copy.deepcopy(SCALED_OBJECTS["items"][0])
        self.told = 2
        self.created: int | None = None
        self.events: list[Json] | None = []

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Answer as an Api does."""
        match path.partition("?")[0].rpartition("/")[2]:
            case "deployments":
                name = {"name": "users-api", "labels": {"app.kubernetes.io/name": "users-api"}}
                status = {"replicas": self.told if self.created is None else self.created}
                return {"items": [{"metadata": name, "spec": {"replicas": self.told}, "status": status}]}
            case "horizontalpodautoscalers":
                return {"items": [self.hpa] if self.hpa else []}
            case "scaledobjects":
                return {"items": [self.scaled_object] if self.scaled_object else []}
            case "events":
                if self.events is None:
                    raise NoAnswerError(403, "forbidden")
                return {"items": self.events}
            case _:
                assert "/pods" in path
                return {"items": [self._sample(n) if "metrics" in path else self._pod(n) for n in range(self.told)]}

    @property
    def status(self) -> Json:
        """What the autoscaler says."""
        assert self.hpa
        found: Json = self.hpa["status"]
        return found

    @property
    def spec(self) -> Json:
        """What it was told."""
        assert self.hpa
        found: Json = self.hpa["spec"]
        return found

    def has(self, replicas: int, *, before: int | None = None) -> None:
        """Let the autoscaler have set so many, with so many before its last look."""
        self.told = replicas
        self.status.update(currentReplicas=before or replicas, desiredReplicas=replicas)

    def sees(self, rate_of_each: str, cpu_percent: int = 5) -> None:
        """Give its metrics these values."""
        self.status["currentMetrics"][RATE]["external"]["current"] = {"averageValue": rate_of_each}
        self.status["currentMetrics"][CPU]["resource"]["current"] = {"averageUtilization": cpu_percent}

    def misses(self, *metrics: int) -> None:
        """Take metrics' values away: of such there is an empty entry."""
        for metric in metrics:
            self.status["currentMetrics"][metric] = {"type": ""}

    def says(self, kind: str, status: str, reason: str, message: str = "", at: str = "01:40:00") -> None:
        """Give it another condition."""
        kept = [each for each in self.status["conditions"] if each["type"] != kind]
        since = f"2026-11-30T{at}Z"
        new = {"type": kind, "status": status, "reason": reason, "message": message, "lastTransitionTime": since}
        self.status["conditions"] = [*kept, new]

    def counts_by_rate(self) -> None:
        """Let it say that the request rate asked for the most."""
        said = "the HPA was able to successfully calculate a replica count from "
        self.says("ScalingActive", "True", "ValidMetricFound", said + ABOVE.partition("reason: ")[2].format())

    def _pod(self, number: int) -> Json:
        ready = {"type": "Ready", "status": "True", "lastTransitionTime": "2026-11-30T01:26:00Z"}
        return {
            "metadata": {"name": f"pod-{number}", "creationTimestamp": "2026-11-30T01:25:50Z"},
            "spec": {"containers": [{"image": "users-api"}]},
            "status": {"phase": "Running", "startTime": "2026-11-30T01:25:50Z", "conditions": [ready]},
        }

    def _sample(self, number: int) -> Json:
        return {"metadata": {"name": f"pod-{number}"}, "timestamp": "2026-11-30T01:49:50Z", "window": "15.1s"}


@pytest.fixture
def cluster() -> Cluster:
    """A release of two replicas, of which little is asked."""
    return Cluster()


def why(cluster: Cluster) -> list[str]:
    """The lines that say why."""
    return explain(cluster, read(cluster, "users-api", "users-api", NOW_S)).splitlines()


def at_most(cluster: Cluster) -> None:
    """More is asked for than there may be."""
    cluster.has(8)
    cluster.sees("37500m", cpu_percent=64)
    cluster.counts_by_rate()
    cluster.says("ScalingLimited", "True", "TooManyReplicas", at="01:24:00")
    cluster.status["lastScaleTime"] = "2026-11-30T01:45:10Z"


def waits_for_policy(cluster: Cluster) -> None:
    """The next step up is not allowed yet."""
    cluster.has(4, before=2)
    cluster.sees("100")
    cluster.counts_by_rate()
    cluster.says("AbleToScale", "True", "SucceededRescale")
    cluster.says("ScalingLimited", "True", "ScaleUpLimit")


def goes_down_by_policy(cluster: Cluster) -> None:
    """As many as may go at once have gone."""
    cluster.has(4, before=8)
    cluster.sees("0")
    cluster.says("AbleToScale", "True", "SucceededRescale")
    cluster.says("ScalingLimited", "True", "ScaleDownLimit")


def stabilised(cluster: Cluster) -> None:
    """A window keeps what was asked for before."""
    cluster.has(4)
    cluster.sees("15")
    cluster.counts_by_rate()
    cluster.says("AbleToScale", "True", "ScaleDownStabilized")
    cluster.says("ScalingLimited", "False", "DesiredWithinRange")


def went_down_within_window(cluster: Cluster) -> None:
    """It went down as far as the window lets it, which its reason no longer tells."""
    stabilised(cluster)
    cluster.has(4, before=6)
    cluster.says("AbleToScale", "True", "SucceededRescale")


def stabilised_upwards(cluster: Cluster) -> None:
    """A window keeps what less was asked for before."""
    stabilised(cluster)
    cluster.sees("60")
    cluster.spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"] = 45
    cluster.says("AbleToScale", "True", "ScaleUpStabilized")


def went_up_within_window(cluster: Cluster) -> None:
    """It went up as far as the window lets it, which its reason no longer tells."""
    stabilised_upwards(cluster)
    cluster.has(4, before=3)
    cluster.says("AbleToScale", "True", "SucceededRescale")


def stepped_up(cluster: Cluster) -> None:
    """It set at once what was asked for: eight, where the mean of seven, rounded up, leaves nine as well."""
    free(cluster)
    cluster.has(8, before=7)
    cluster.sees("34286m")
    cluster.says("AbleToScale", "True", "SucceededRescale")


def at_a_border(cluster: Cluster) -> None:
    """The same, where what held it leaves both counts."""
    stepped_up(cluster)
    cluster.has(7)
    cluster.spec["behavior"]["scaleUp"]["stabilizationWindowSeconds"] = 60
    cluster.says("AbleToScale", "True", "ScaleUpStabilized")


def free(cluster: Cluster) -> None:
    """There are as many as are asked for."""
    cluster.has(4)
    cluster.sees("28500m")
    cluster.counts_by_rate()
    cluster.says("ScalingLimited", "False", "DesiredWithinRange")


def paused(cluster: Cluster, **annotations: str) -> None:
    """The ScaledObject is annotated."""
    assert cluster.scaled_object
    cluster.scaled_object["metadata"]["annotations"] = {
        f"autoscaling.keda.sh/{name.replace('_', '-')}": value for name, value in annotations.items()
    }


def without_cpu(cluster: Cluster) -> None:
    """metrics-server is away, and the rate would do with fewer."""
    cluster.has(4)
    cluster.sees("10")
    cluster.misses(CPU)
    cluster.says("ScalingActive", "False", "FailedGetResourceMetric", "unable")


def without_any(cluster: Cluster) -> None:
    """No metric has a value."""
    without_cpu(cluster)
    cluster.misses(RATE)


def paused_downwards(cluster: Cluster) -> None:
    """KEDA lets it add only, which it tells the autoscaler in its behavior."""
    goes_down_by_policy(cluster)
    cluster.spec["behavior"]["scaleDown"]["selectPolicy"] = "Disabled"
    paused(cluster, paused_scale_in="true")


def kept_from_growing(cluster: Cluster) -> None:
    """The values let it remove only."""
    waits_for_policy(cluster)
    cluster.spec["behavior"]["scaleUp"]["selectPolicy"] = "Disabled"


def without_behavior(cluster: Cluster) -> None:
    """An autoscaler that is told nothing of how to act does as the controller does."""
    waits_for_policy(cluster)
    del cluster.spec["behavior"]


def above_the_most(cluster: Cluster) -> None:
    """Somebody lowered the most: it takes what is above away without a look."""
    cluster.has(8, before=10)
    cluster.status["currentMetrics"] = None
    cluster.says("AbleToScale", "True", "SucceededRescale")


def below_the_fewest(cluster: Cluster) -> None:
    """Somebody raised the fewest."""
    cluster.has(2, before=1)
    cluster.status["currentMetrics"] = None


def falls_back(cluster: Cluster) -> None:
    """KEDA's last looks at Prometheus failed."""
    free(cluster)
    assert cluster.scaled_object
    cluster.scaled_object["status"]["conditions"].append({"type": "Fallback", "status": "True"})


def fixed(cluster: Cluster) -> None:
    """The count is one that does not change."""
    free(cluster)
    cluster.spec.update(minReplicas=4, maxReplicas=4)
    cluster.scaled_object = None


def at_most_without_cpu(cluster: Cluster) -> None:
    """One metric asks for more than there may be, and the other is not known."""
    at_most(cluster)
    cluster.misses(CPU)


def set_by_hand(cluster: Cluster) -> None:
    """Somebody has just set another count."""
    free(cluster)
    cluster.told, cluster.created = 6, 4


def never_scaled(cluster: Cluster) -> None:
    """The autoscaler has found what it wanted."""
    free(cluster)
    del cluster.status["lastScaleTime"]


def paused_at_five(cluster: Cluster) -> None:
    """KEDA holds five, and has taken the autoscaler away."""
    paused(cluster, paused_replicas="5")
    cluster.told, cluster.hpa = 5, None


def not_begun_by_keda(cluster: Cluster) -> None:
    """There is a ScaledObject, which is not paused, and no autoscaler."""
    paused(cluster, paused="false")
    cluster.hpa = None


def unscaled(cluster: Cluster) -> None:
    """There is no autoscaler of any kind."""
    cluster.told, cluster.hpa, cluster.scaled_object = 1, None, None


def unlooked(cluster: Cluster) -> None:
    """The autoscaler is new."""
    assert cluster.hpa
    cluster.hpa["status"] = {"currentReplicas": 0, "desiredReplicas": 0}


@pytest.mark.parametrize(
    ("change", "sentence", "remedy"),
    [
        (
            at_most,
            (
                "8 replicas since 01:45:10 UTC: the request rate asks for 10 (300 requests/s of all, 30 wanted of"
                " each); held at 8 by maxReplicas since 01:45:10 UTC"
            ),
            "raise autoscaling.maxReplicas",
        ),
        (
            lambda _: None,
            (
                "2 replicas since 01:25:23 UTC: the CPU asks for 1 (22 % of the request, 80 wanted); held at 2 by"
                " minReplicas since 01:25:55 UTC"
            ),
            "lower autoscaling.minReplicas",
        ),
        (
            waits_for_policy,
            (
                "4 replicas since 01:25:23 UTC, 2 before: the request rate asks for 7 (200 requests/s of all, 30 "
                "wanted of each); held at 4 by what scaleUp.policies allow (100 % each 15 s or 4 pods each 15 s, "
                "the more of these) since 01:40:00 UTC"
            ),
            "autoscaling.behavior.scaleUp.policies",
        ),
        (
            goes_down_by_policy,
            (
                "4 replicas since 01:25:23 UTC, 8 before: the CPU asks for 1 (5 % of the request, 80 wanted); "
                "held at 4 by what scaleDown.policies allow (50 % each 15 s) since 01:40:00 UTC"
            ),
            "autoscaling.behavior.scaleDown.policies",
        ),
        (
            stabilised,
            (
                "4 replicas since 01:25:23 UTC: the request rate asks for 2 (60 requests/s of all, 30 wanted of "
                "each); held at 4 as at least that was asked for within the last 30 s "
                "(scaleDown.stabilizationWindowSeconds)"
            ),
            "lower autoscaling.behavior.scaleDown.stabilizationWindowSeconds",
        ),
        (
            went_down_within_window,
            (
                "4 replicas since 01:25:23 UTC, 6 before: the request rate asks for 3 (90 requests/s of all, 30 "
                "wanted of each); held at 4 as at least that was asked for within the last 30 s "
                "(scaleDown.stabilizationWindowSeconds)"
            ),
            "lower autoscaling.behavior.scaleDown.stabilizationWindowSeconds",
        ),
        (
            stabilised_upwards,
            (
                "4 replicas since 01:25:23 UTC: the request rate asks for 8 (240 requests/s of all, 30 wanted of "
                "each); held at 4 as no more was asked for at some look of the last 45 s "
                "(scaleUp.stabilizationWindowSeconds)"
            ),
            "lower autoscaling.behavior.scaleUp.stabilizationWindowSeconds",
        ),
        (
            went_up_within_window,
            (
                "4 replicas since 01:25:23 UTC, 3 before: the request rate asks for 6 (180 requests/s of all, 30 "
                "wanted of each); held at 4 as no more was asked for at some look of the last 45 s "
                "(scaleUp.stabilizationWindowSeconds)"
            ),
            "lower autoscaling.behavior.scaleUp.stabilizationWindowSeconds",
        ),
        (
            free,
            (
                "4 replicas since 01:25:23 UTC: the request rate asks for 4, as there were (114 requests/s of "
                "all, 30 wanted of each: within 10 % of its target)"
            ),
            None,
        ),
        (
            stepped_up,
            (
                "8 replicas since 01:25:23 UTC, 7 before: the request rate asks for 8 (240 requests/s of all, 30 "
                "wanted of each)"
            ),
            None,
        ),
        (
            at_a_border,
            (
                "7 replicas since 01:25:23 UTC: the request rate asks for 8 or 9 (240 requests/s of all, 30 wanted of "
                "each); held at 7 as no more was asked for at some look of the last 60 s "
                "(scaleUp.stabilizationWindowSeconds)"
            ),
            "lower autoscaling.behavior.scaleUp",
        ),
        (
            without_cpu,
            (
                "4 replicas since 01:25:23 UTC: CPU <unknown> since 01:40:00 UTC, and it takes no replica away "
                "until it knows all metrics"
            ),
            "see the first broken link below",
        ),
        (
            without_any,
            (
                "4 replicas since 01:25:23 UTC: request rate and CPU <unknown> since 01:40:00 UTC: without a "
                "metric it keeps the count"
            ),
            "see the first broken link below",
        ),
        (
            at_most_without_cpu,
            (
                "8 replicas since 01:45:10 UTC: the request rate asks for 10 (300 requests/s of all, 30 wanted of"
                " each); held at 8 by maxReplicas since 01:45:10 UTC; CPU <unknown>: until that is known no "
                "replica is taken away"
            ),
            "raise autoscaling.maxReplicas (8), if the load is real and the nodes have room; see the first broken link",
        ),
        (
            lambda c: c.says("ScalingActive", "False", "AmbiguousSelector", "pods by selector are controlled by two"),
            (
                "2 replicas since 01:25:23 UTC: it counts nothing since 01:40:00 UTC (AmbiguousSelector): pods by"
                " selector are controlled by two"
            ),
            "describe hpa users-api-keda",
        ),
        (
            lambda c: c.says("AbleToScale", "False", "FailedUpdateScale", "the quota is used up"),
            (
                "2 replicas since 01:25:23 UTC: the CPU asks for 1 (22 % of the request, 80 wanted); it can't act"
                " since 01:40:00 UTC: the quota is used up"
            ),
            "describe hpa users-api-keda",
        ),
        (
            paused_downwards,
            (
                "4 replicas since 01:25:23 UTC, 8 before: the CPU asks for 1 (5 % of the request, 80 wanted); "
                "held at 4 by the annotation autoscaling.keda.sh/paused-scale-in since 01:40:00 UTC"
            ),
            "annotate scaledobject users-api autoscaling.keda.sh/paused-scale-in-",
        ),
        (
            kept_from_growing,
            (
                "4 replicas since 01:25:23 UTC, 2 before: the request rate asks for 7 (200 requests/s of all, 30 "
                "wanted of each); held at 4 by scaleUp.selectPolicy=Disabled since 01:40:00 UTC"
            ),
            "set autoscaling.behavior.scaleUp.selectPolicy to Max",
        ),
        (
            without_behavior,
            (
                "4 replicas since 01:25:23 UTC, 2 before: the request rate asks for 7 (200 requests/s of all, 30 "
                "wanted of each); held at 4 by what scaleUp.policies allow (to twice as many, or to 4) since "
                "01:40:00 UTC"
            ),
            "autoscaling.behavior.scaleUp.policies",
        ),
        (
            above_the_most,
            "8 replicas since 01:25:23 UTC, 10 before: there were 10, above maxReplicas, which needs no metric",
            "raise autoscaling.maxReplicas",
        ),
        (
            below_the_fewest,
            "2 replicas since 01:25:23 UTC, 1 before: there were 1, below minReplicas, which needs no metric",
            "lower autoscaling.minReplicas",
        ),
        (
            set_by_hand,
            (
                "6 replicas, set by another than the autoscaler, which last wanted 4 and sets it at its next "
                "look: the request rate asks for 4, as there were (114 requests/s of all, 30 wanted of each: "
                "within 10 % of its target)"
            ),
            None,
        ),
        (
            never_scaled,
            (
                "4 replicas, never changed by the autoscaler: the request rate asks for 4, as there were (114 "
                "requests/s of all, 30 wanted of each: within 10 % of its target)"
            ),
            None,
        ),
        (
            falls_back,
            (
                "4 replicas since 01:25:23 UTC: the request rate asks for 4, as there were (114 requests/s of "
                "all, 30 wanted of each: within 10 % of its target); KEDA makes the value up, as its fallback "
                "says: its last looks at Prometheus failed"
            ),
            "see the first broken link below",
        ),
        (
            fixed,
            (
                "4 replicas since 01:25:23 UTC: the request rate asks for 4, as there were (114 requests/s of "
                "all, 30 wanted of each: within 10 % of its target); minReplicas and maxReplicas are both 4"
            ),
            "set them apart; or replicaCount",
        ),
        (
            paused_at_five,
            "5 replicas: ScaledObject users-api is paused by its annotation autoscaling.keda.sh/paused-replicas=5",
            "kubectl --namespace users-api annotate scaledobject users-api autoscaling.keda.sh/paused-replicas-",
        ),
        (
            not_begun_by_keda,
            "2 replicas: KEDA has made no HorizontalPodAutoscaler, so nothing changes the count",
            "see the first broken link below",
        ),
        (
            unscaled,
            "1 replica: Deployment users-api says so, and nothing scales it",
            "set autoscaling.engine to keda or hpa",
        ),
        (
            lambda c: setattr(c, "told", 0),
            "0 replicas: Deployment users-api was set to none, which switches the autoscaler off",
            "kubectl --namespace users-api scale deployment users-api --replicas=2",
        ),
        (
            unlooked,
            "2 replicas: the Deployment was made with so many; the autoscaler has not looked yet",
            "wait for its first look",
        ),
        (
            lambda c: c.says("ScalingLimited", "True", "Whatever", "of a later Kubernetes"),
            (
                "2 replicas since 01:25:23 UTC: the CPU asks for 1 (22 % of the request, 80 wanted); held at 2 "
                "(Whatever): of a later Kubernetes"
            ),
            None,
        ),
    ],
)
def test_the_sentence_says_why(cluster: Cluster, change: Change, sentence: str, remedy: str | None) -> None:
    """What asked for how many, what held the count and since when is one sentence; what changes it is told last."""
    change(cluster)
    first, *_, last = [*why(cluster), ""]
    assert first == sentence
    told = [line for line in why(cluster) if line.startswith("to change it: ")]
    assert bool(told) == (remedy is not None)
    assert (remedy or "") in "".join(told)
    assert not last


def test_each_metric_has_a_row(cluster: Cluster) -> None:
    """Beside its value and target a metric shows what it asks for; the one that decides is marked."""
    at_most(cluster)
    assert why(cluster)[1:4] == [
        "  metric        value                 target              asks for",
        "  request rate  37.5 requests/s each  30 requests/s each  10        decides, 300 requests/s in all",
        "  CPU           64 %                  80 %                7",
    ]


def test_large_values_are_written_out(cluster: Cluster) -> None:
    """A large rate is told as people write it."""
    cluster.has(8)
    cluster.sees("1500")
    assert why(cluster)[2].endswith("1,500 requests/s each  30 requests/s each  400       12,000 requests/s in all")


def test_a_metric_without_a_value_asks_for_nothing(cluster: Cluster) -> None:
    """Where the autoscaler sees nothing, its row says so."""
    without_cpu(cluster)
    assert why(cluster)[3] == "  CPU           <unknown>           80 %                -"


def test_the_last_change_is_told_in_its_own_words(cluster: Cluster) -> None:
    """The last event names the metric that asked for this count, which may be above its target no more."""
    stabilised(cluster)
    about = {"kind": "HorizontalPodAutoscaler", "name": "users-api-keda"}
    cluster.events = [
        {
            "metadata": {},
            "involvedObject": about,
            "reason": "SuccessfulRescale",
            "message": message,
            "lastTimestamp": f"2026-11-30T01:{minute}:00Z",
        }
        for minute, message in (("25", ABOVE.format(4)), ("20", "New size: 2; reason: All metrics below target"))
    ]
    assert "  last change: to 4 at 01:25:00 UTC: the request rate was above its target" in why(cluster)
    cluster.events[0]["message"] = "New size: 4; reason: Current number of replicas below Spec.MinReplicas"
    assert "  last change: to 4 at 01:25:00 UTC: current number of replicas below Spec.MinReplicas" in why(cluster)


@pytest.mark.parametrize("events", [None, []])
def test_events_may_be_hidden_or_forgotten(cluster: Cluster, events: list[Json] | None) -> None:
    """Without events, which may not be read or are an hour old, the rest is told."""
    cluster.events = events
    assert not [line for line in why(cluster) if "last change" in line]
    assert why(cluster)[0].startswith("2 replicas since ")


def test_an_older_time_has_its_date(cluster: Cluster) -> None:
    """A count of more than a day ago is told with its date."""
    free(cluster)
    cluster.status["lastScaleTime"] = "2026-11-28T01:45:10Z"
    assert why(cluster)[0].startswith("4 replicas since 2026-11-28 01:45 UTC: ")


def test_what_it_changed_nothing_for_was_asked_for(cluster: Cluster) -> None:
    """Where nothing held it and it changed nothing, its own count stands over what the pods of now come to."""
    free(cluster)
    cluster.sees("30", cpu_percent=120)
    cluster.says(
        "ScalingActive",
        "True",
        "ValidMetricFound",
        "the HPA was able to successfully calculate a replica count from "
        "cpu resource utilization (percentage of request)",
    )
    assert "the CPU asks for 4 (120 % of the request, 80 wanted)" in why(cluster)[0]
