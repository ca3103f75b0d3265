import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from k8s.client.application import USERS_API, Application
from k8s.client.prometheus import Prometheus
from k8s.client.release import Release
from k8s.client.waiting import seconds_until
from loadtests.errors import LoadTestError
from loadtests.measure import Answer, Load, Request, Stage, open_load
from loadtests.ramp import LOAD
from loadtests.reaction.observer import Observer
from loadtests.reaction.signal import Signal, crossing, first_scrape, read_signals
from loadtests.reaction.step import Step

READ = Request(name="read", weight=9)
# The windows of the rate are full of the old rate by then.
BASE_SECONDS = 25
PATIENCE_SECONDS = 90
# Shown after the first answer of a new pod: Prometheus has been told of it all by then.
AFTER_SECONDS = 5
MINIMUM_SECONDS = 420
# Clients of the load: each takes half a millisecond of CPU before it begins.
USERS = 800
# So many requests tell one rate from a tenth of it.
TELLING = 20


def measure_step(  # noqa: PLR0913 - by name
    api: Any,  # noqa: ANN401 - the client has no types
    release: Release,
    prometheus: Prometheus,
    folder: Path,
    *,
    rate: int,
    environment: Mapping[str, str] | None = None,
    factor: int = LOAD,
    application: Application = USERS_API,
    signals: Sequence[Signal] | None = None,
) -> Step:
    """Step the load from `rate` to `factor` times as much, and see when each link of the scale-out followed.

    Waits for the fewest replicas first, and ends seconds after a new pod's first answer, or after it is Ready where no
    answer of `application` tells whose it is. `folder` gets k6's files. `signals` are the release's unless given; where
    there are none, neither queries nor external metrics are asked for.

    Raises:
        LoadTestError: no load, or no release that KEDA scales.
        ClusterError: no cluster, no such release, or after seven minutes it has more replicas than the fewest.
    """
    signals = read_signals(api, release) if signals is None else signals
    release.wait_for_minimum(MINIMUM_SECONDS)
    stages = (Stage(rate, BASE_SECONDS), Stage(rate * factor, PATIENCE_SECONDS + AFTER_SECONDS))
    observer = Observer(api, release)
    with observer.observing({signal.metric: signal.selector for signal in signals}):
        old = {pod.name for pod in release.api_pods()}
        began_s = time.time()
        with open_load(folder, stages, requests=mix(application), environment=environment, max_vus=USERS) as load:

            def followed() -> bool:
                if application.replica:
                    return _has_new(load, old)
                return observer.times_of_growth(old, began_s)["ready"] is not None

            seconds_until(lambda: load.ended() or followed(), BASE_SECONDS + PATIENCE_SECONDS)
            time.sleep(AFTER_SECONDS)
            ended_at_s = time.time()
        answers = load.answers()
    began = step_at(answers, rate, factor)
    if began is None:
        raise LoadTestError("the load never rose: k6 could not send it; is the machine busy with something else?")
    after = answers.between(began, ended_at_s)
    crossed = {
        signal: crossing(prometheus, signal.query, signal.bearable(len(old)), began, ended_at_s) for signal in signals
    }
    counter = application.metrics.requests
    times = {
        "scraped": first_scrape(prometheus, f"{counter}{{{release.series}}}", began, ended_at_s) if counter else None,
        "crossed": _first(crossed.values()),
        "external": _first(_told(observer, signal, signal.bearable(len(old)), began) for signal in signals),
        **observer.times_of_growth(old, began),
        "answered": min((_ended_at_s(each) for each in after if _is_of_new(each, old)), default=None),
    }
    return Step(
        **{link: None if at is None else round(at - began, 2) for link, at in times.items()},
        signals={signal.name: None if at is None else round(at - began, 2) for signal, at in crossed.items()},
        reason=_reason(release, began),
        requests=len(after),
        failed=len(after.failed),
        reasons=after.reasons(),
    )


def mix(application: Application) -> tuple[Request, ...]:
    """Mostly reads; the path that says which replica answers is asked beside them."""
    replica = application.replica
    return (READ, Request(replica.path, name="replica", server_field=replica.field)) if replica else (READ,)


def absent(application: Application) -> Mapping[str, str]:
    """Links that cannot be seen of an application, and why."""
    needs = {"scraped": "metrics.requests", "answered": "replica.path"}
    return {link: why for link, key in needs.items() if (why := application.lacks(key))}


def _first(times: Iterable[float | None]) -> float | None:
    return min((at for at in times if at is not None), default=None)


def _told(observer: Observer, signal: Signal, bound: float, after_s: float) -> float | None:
    seen = observer.external.get(signal.metric, ())
    return next((at for at, value in seen if at >= after_s and value > bound), None)


def _has_new(load: Load, old: set[str]) -> bool:
    return any(_is_of_new(answer, old) for answer in load.answers())


def _is_of_new(answer: Answer, old: set[str]) -> bool:
    return bool(answer.server_id) and answer.server_id not in old


def _ended_at_s(answer: Answer) -> float:
    return answer.at_s + answer.duration_ms / 1000


def step_at(answers: Sequence[Answer], rate: int, factor: int) -> float | None:
    """Find when the rate rose: the first request that begins a run as dense as the new rate; None: it never did."""
    dense_seconds = TELLING / rate / factor * 2
    for first, last in zip(answers, answers[TELLING:], strict=False):
        if last.at_s - first.at_s < dense_seconds:
            return first.at_s
    return None


def _reason(release: Release, after_s: float) -> str:
    """Read the autoscaler's own words; the API's times are whole seconds."""
    rescales = [event for event in release.events(after_s - 1) if event.reason == "SuccessfulRescale"]
    return rescales[0].message if rescales else ""
