"""Experiments in which an autoscaler adds replicas and takes them away."""

from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from k8s.client.application import Metrics
from k8s.client.waiting import NotInTimeError
from loadtests.chaos import experiments
from loadtests.chaos.experiments import Found
from loadtests.chaos.planned import NotFollowedError, Planned
from loadtests.chaos.run import Promise, Run
from loadtests.chaos.wish import Extent
from loadtests.reaction import Step, measure_step
from loadtests.reaction.measure import AFTER_SECONDS, BASE_SECONDS, MINIMUM_SECONDS, PATIENCE_SECONDS
from loadtests.tune import hold

ROUNDS = Extent(2, short=1)
# A step is waited for until the fewest replicas are back, of which a chart's default takes five minutes.
STEPS = Extent(3, short=1)
FACTOR = 10


class Scaling(Planned):
    """The autoscaler's bounds have it add replicas, and take them away again."""

    name = "scaling"

    @property
    def promise(self) -> Promise:
        """No request fails."""
        what = f"0 failed while the autoscaler goes from {self._site.replicas} replicas to {self._most()} and back"
        return Promise(2, self.name, f"{what} at {self._traffic.rate} requests/s")

    def unfit(self) -> str:
        """Refuse what nothing scales, and what may not have more."""
        if self._site.autoscaler is None:
            return f"does not apply: nothing scales Deployment {self._site.release.deployment}"
        if self._most() <= self._site.replicas:
            return f"does not apply: it has as many replicas as {hold.named(self._site.autoscaler)} may give it"
        return ""

    def does(self) -> str:
        """Say how many there will be, and that the bounds are put back."""
        rounds = self._site.wish.of(ROUNDS)
        return (
            f"has {self._most()} replicas instead of {self._site.replicas}, and these again, {rounds} x, by the bounds "
            "of its autoscaler, which follows no load meanwhile and gets its bounds back"
        )

    @property
    def at_most_seconds(self) -> float:
        """Each change in its patience."""
        each = 2 * hold.PATIENCE_SECONDS + experiments.SCALED_SECONDS + experiments.GONE_SECONDS
        return 2 * self._site.wish.of(ROUNDS) * each

    def perform(self, run: Run) -> Found:
        """Hold it at the one, then at the other."""
        with ExitStack() as held:

            def tell(replicas: int) -> None:
                held.close()
                held.enter_context(hold.held(run.release.api, run.release, replicas, self._say))

            rounds = self._site.wish.of(ROUNDS)
            return experiments.scale_out_and_in(
                run, self._traffic, tell, fewest=self._site.replicas, most=self._most(), rounds=rounds
            )

    def _most(self) -> int:
        """Give twice as many, as far as it may have them."""
        most = self._site.autoscaler.maximum if self._site.autoscaler else 0
        return min(most, 2 * self._site.replicas)


class LoadStep(Planned):
    """The load grows tenfold at once."""

    name = "step"

    @property
    def promise(self) -> Promise:
        """A new pod helps soon, and next to nothing fails."""
        what = (
            f"{FACTOR}x the load, {self._steps()} x: a new pod is Ready within {experiments.READY_P50_SECONDS} s (p50) "
        )
        late = f"and {experiments.READY_P95_SECONDS} s (p95), at most {experiments.FAILED_SHARE:.1%} failed"
        return Promise(7, self.name, what + late)

    def unfit(self) -> str:
        """Refuse what nothing scales, and what other load keeps from its fewest replicas."""
        autoscaler, replicas = self._site.autoscaler, self._site.replicas
        if autoscaler is None:
            return f"does not apply: nothing scales Deployment {self._site.release.deployment}"
        if autoscaler.minimum == autoscaler.maximum:
            return f"does not apply: {hold.named(autoscaler)} has no more than its fewest replicas"
        if replicas != autoscaler.minimum:
            return f"does not apply: a step begins at the fewest replicas, {autoscaler.minimum}, and it has {replicas}"
        return ""

    def unfit_now(self) -> str:
        """Wait for the fewest replicas instead: experiments before it may have left more."""
        return ""

    def does(self) -> str:
        """Say how high the load goes."""
        return f"raises the load from {self._low()} to {self._low() * FACTOR} requests/s at once, {self._steps()} x"

    @property
    def at_most_seconds(self) -> float:
        """Each from the fewest replicas."""
        return self._steps() * (MINIMUM_SECONDS + BASE_SECONDS + PATIENCE_SECONDS + AFTER_SECONDS)

    @property
    def at_most_requests(self) -> int:
        """Those before the steps, and after them."""
        after = FACTOR * (PATIENCE_SECONDS + AFTER_SECONDS)
        return self._steps() * self._low() * (BASE_SECONDS + after)

    def perform(self, run: Run) -> Found:
        """Step it. When each link of the chain followed is for `make reaction` to say, which needs Prometheus."""
        try:
            run.release.wait_for_minimum(MINIMUM_SECONDS)
        except NotInTimeError as error:
            raise NotFollowedError(f"does not apply: {error}") from error
        bare = replace(self._site.application, metrics=Metrics())

        def measure(folder: Path) -> Step:
            return measure_step(
                run.release.api,
                run.release,
                self._site.prometheus,
                folder,
                environment=run.variables,
                rate=self._low(),
                factor=FACTOR,
                application=bare,
                signals=(),
            )

        steps, found = experiments.step_load(run, measure, steps=self._steps())
        if all(step.decided is None for step in steps):
            raise NotFollowedError(
                f"does not apply: at {self._low() * FACTOR} requests/s the autoscaler wanted no more replicas: --peak "
                "(CHAOS='--peak 500' of make) offers more"
            )
        return found

    def _steps(self) -> int:
        return self._site.wish.of(STEPS)

    def _low(self) -> int:
        return max(1, self._site.wish.peak // FACTOR)
