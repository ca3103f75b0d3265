import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from k8s.client.release import Release
from loadtests.errors import LoadTestError
from loadtests.measure import Generator
from loadtests.target import require_answer
from loadtests.tune import sizing
from loadtests.tune.hold import held, require_a_fixed_count
from loadtests.tune.offer import Offer, Step
from loadtests.tune.options import RECORD
from loadtests.tune.report import markdown, write
from loadtests.tune.search import Capacity, Effort, Held, another_round, find_capacity
from loadtests.tune.tuning import Tuning
from loadtests.tune.usage import UsageRecorder, startup_seconds
from loadtests.tune.wish import Wish

CONFIRM_SECONDS = 60


def tune(api: Any, release: Release, wish: Wish, output: Path) -> Tuning:  # noqa: ANN401 - the client has no types
    """Find what a replica of the release holds, and write the values that follow.

    Raises:
        LoadTestError: no load, an autoscaler that would follow it, replicas that come or go, or a target not held.
        ClusterError: no cluster, or no such release.
    """
    require_answer(wish.target.base_url, wish.target.token, wish.target.path)
    reaction, how = wish.reaction(startup_seconds(release.serving_pods()))
    usage = UsageRecorder(api, release)
    with _fixed(api, release, wish.hold):
        offer = Offer(wish.target, release.ready, output / "steps")
        capacity = search(offer, wish.first_rate, Effort())
        by_k6 = another_round(_held_by(Generator.K6, offer), capacity.rate, Effort())
        target = sizing.target_per_replica(wish.stated, sizing.Measured(capacity.low, reaction, how))
        with usage.recording():
            confirmed = offer.step(float(target.value), CONFIRM_SECONDS, Generator.K6)
    measured = sizing.Measured(
        capacity.low,
        reaction,
        how,
        cpu_millicores=usage.cpu_millicores and usage.cpu_millicores * capacity.low / confirmed.rate,
        memory_mebibytes=usage.memory_mebibytes,
    )
    found = Tuning(
        release=f"release {release.name} in namespace {release.namespace}",
        request=f"`{wish.target.request.method} {wish.target.path}`",
        p95_target_ms=wish.target.p95_ms,
        capacity=capacity,
        by_k6=by_k6,
        steps=offer.steps,
        confirmed=confirmed,
        stated=wish.stated,
        measured=measured,
        values=wish.follow(measured),
    )
    write(found, output)
    _say(f"\n{markdown(found)}\nwritten: {output}/values.yaml, tune.md, tune.png, {RECORD}")
    if not confirmed.held:
        raise LoadTestError(f"the target of {target.value:g} requests/s was not held for a minute: {confirmed.reason}")
    return found


def search(offer: Offer, first_rate: float, effort: Effort) -> Capacity:
    """Find what a replica holds, and say each step.

    Raises:
        LoadTestError: as of `Offer.step` and `find_capacity`.
    """
    return find_capacity(_held_by(Generator.STEADY, offer), first_rate, effort)


def _held_by(generator: Generator, offer: Offer) -> Held:
    def is_held(rate: float) -> bool:
        step = offer.step(rate, generator=generator)
        _say(_line(step))
        return step.held

    return is_held


def _line(step: Step) -> str:
    said = "held" if step.held else f"not held: {step.reason}"
    return f"  {step.rate:8,.1f} requests/s a replica by {step.generator}: p95 {step.p95_ms:,.1f} ms, {said}"


@contextmanager
def _fixed(api: Any, release: Release, hold: int | None) -> Iterator[None]:  # noqa: ANN401 - likewise
    if hold is None:
        require_a_fixed_count(release)
        yield
    else:
        with held(api, release, hold or release.wanted(), _say):
            yield


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()
