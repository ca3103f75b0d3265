"""The experiments that need nothing of an application but an address to read at: what each does, and when it may."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

from k8s.client.application import Metrics
from loadtests.chaos import experiments, faults, nodes
from loadtests.chaos.experiments import Found, Traffic
from loadtests.chaos.run import Promise, Run
from loadtests.chaos.site import Site
from loadtests.chaos.wish import Extent
from loadtests.errors import LoadTestError
from loadtests.reaction import Step, measure_step
from loadtests.reaction.measure import AFTER_SECONDS, BASE_SECONDS, MINIMUM_SECONDS, PATIENCE_SECONDS
from loadtests.tune import hold

ROUNDS = Extent(3, short=1)
SCALED_ROUNDS = Extent(2, short=1)
# A step is waited for until the fewest replicas are back, of which a chart's default takes five minutes.
STEPS = Extent(3, short=1)
# Of load while all pods restart, however soon they have.
RESTART_SECONDS = Extent(60, short=20)
FACTOR = 10
Say = Callable[[str], None]


class NotFollowedError(LoadTestError):
    """What was to be measured did not begin; the message says why, and what would make it."""


class Planned(ABC):
    """One experiment with one release."""

    name: str

    def __init__(self, site: Site, say: Say) -> None:
        self._site = site
        self._say = say
        self._traffic = Traffic(site.wish.rate)

    @property
    @abstractmethod
    def promise(self) -> Promise:
        """What must hold."""

    @abstractmethod
    def unfit(self) -> str:
        """Say why it does not apply to this release; empty: it does."""

    @abstractmethod
    def does(self) -> str:
        """Say what is done to it."""

    @property
    @abstractmethod
    def at_most_seconds(self) -> float:
        """How long the load may last."""

    @abstractmethod
    def perform(self, run: Run) -> Found:
        """Do it under load.

        Raises:
            LoadTestError: no load, or the release did not become whole again.
            ClusterError: the cluster does not answer, or refuses.
        """

    @property
    def at_most_requests(self) -> int:
        """How many may be sent."""
        return round(self._traffic.rate * self.at_most_seconds)

    def _rounds(self) -> int:
        return self._site.wish.of(ROUNDS)

    def _alone(self) -> str:
        one = "does not apply: it has one replica, and nobody answers while that is replaced"
        return one if self._site.replicas == 1 else ""


class RollingRestart(Planned):
    """All pods are replaced, as by `kubectl rollout restart`."""

    name = "rolling-restart"

    @property
    def promise(self) -> Promise:
        """No request fails."""
        times = f"{self._rounds()} times" if self._rounds() > 1 else "once"
        what = f"0 failed of {self._requests():,} requests while all pods restart {times} at {self._traffic.rate}/s"
        return Promise(1, self.name, what)

    def unfit(self) -> str:
        """Refuse where old pods end before new ones begin."""
        if self._site.strategy == "RollingUpdate":
            return ""
        return f"does not apply: strategy {self._site.strategy} ends all pods before others begin"

    def does(self) -> str:
        """Name the command that does the same."""
        release = self._site.release
        command = f"kubectl --namespace {release.namespace} rollout restart deployment/{release.deployment}"
        return f"replaces all {self._site.replicas} pods, {self._rounds()} x `{command}`"

    @property
    def at_most_seconds(self) -> float:
        """Each rollout in its patience, and the rest."""
        return self._rounds() * faults.PATIENCE_SECONDS + 2 * self._site.wish.of(RESTART_SECONDS)

    def perform(self, run: Run) -> Found:
        """Restart them."""
        return experiments.restart_all(run, self._traffic, rounds=self._rounds(), requests=self._requests())

    def _requests(self) -> int:
        return self._traffic.rate * self._site.wish.of(RESTART_SECONDS)


class _Pods(Planned):
    """One pod after another ends."""

    def unfit(self) -> str:
        """Refuse where nobody else answers."""
        return self._alone()

    @property
    def at_most_seconds(self) -> float:
        """Each pod is replaced in its patience."""
        return self._rounds() * (faults.PATIENCE_SECONDS + experiments.SECONDS_EACH)


class PodDeleted(_Pods):
    """One pod after another is told to end."""

    name = "pod-deleted"

    @property
    def promise(self) -> Promise:
        """No request fails."""
        return Promise(4, self.name, "0 failed when pods are deleted, one after another")

    def does(self) -> str:
        """Say how many."""
        return f"deletes {self._rounds()} of its pods, one after another, each with its grace"

    def perform(self, run: Run) -> Found:
        """Delete them."""
        return experiments.stop_pods(run, self._traffic, rounds=self._rounds())


class PodForceKilled(_Pods):
    """One pod after another vanishes."""

    name = "pod-force-killed"

    @property
    def promise(self) -> Promise:
        """Next to no request fails."""
        return Promise(
            4, self.name, f"at most {experiments.FAILED_SHARE:.1%} failed when pods are killed without grace"
        )

    def does(self) -> str:
        """Say how many."""
        return f"kills {self._rounds()} of its pods without grace, one after another: requests under way are lost"

    def perform(self, run: Run) -> Found:
        """Kill them."""
        return experiments.kill_pods(run, self._traffic, rounds=self._rounds())


class NodeDrained(Planned):
    """A node is emptied, as for its maintenance."""

    name = "node-drained"

    @property
    def promise(self) -> Promise:
        """No request fails, and one replica at most is away."""
        what = f"0 failed while a node is drained at {self._traffic.rate} requests/s, and one replica away at most"
        return Promise(5, self.name, what)

    def unfit(self) -> str:
        """Refuse what was not allowed, and a node whose pods would not come back."""
        if not self._site.wish.drain:
            return "does not apply: others on the node must go too, which --drain (DRAIN=1 of make) allows"
        if alone := self._alone():
            return alone
        try:
            nodes.evicted_from(self._site.release, nodes.to_lose(self._site.release))
        except LoadTestError as error:
            return f"does not apply: {error}"
        return ""

    def does(self) -> str:
        """Name the node, and who else is on it."""
        release = self._site.release
        node = nodes.to_lose(release)
        leaving = nodes.evicted_from(release, node)
        others = sorted(nodes.named(pod) for pod in leaving if not nodes.of_release(pod, release))
        return (
            f"cordons node {node} and evicts its {len(leaving)} pods, whose emptyDir volumes are lost; of others: "
            f"{', '.join(others) or 'none'}. Should this end untimely: `kubectl uncordon {node}`"
        )

    @property
    def at_most_seconds(self) -> float:
        """As long as a drain may take, and pods to begin elsewhere."""
        return nodes.DRAINED_SECONDS + experiments.MOVED_SECONDS + 3 * experiments.CALM_SECONDS

    def perform(self, run: Run) -> Found:
        """Drain it, and give it back."""
        node = nodes.to_lose(run.release)
        return experiments.drain_node(run, self._traffic, node, replicas=self._site.replicas)


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
        rounds = self._site.wish.of(SCALED_ROUNDS)
        return (
            f"has {self._most()} replicas instead of {self._site.replicas}, and these again, {rounds} x, by the bounds "
            "of its autoscaler, which follows no load meanwhile and gets its bounds back"
        )

    @property
    def at_most_seconds(self) -> float:
        """Each change in its patience."""
        each = 2 * hold.PATIENCE_SECONDS + experiments.SCALED_SECONDS + experiments.GONE_SECONDS
        return 2 * self._site.wish.of(SCALED_ROUNDS) * each

    def perform(self, run: Run) -> Found:
        """Hold it at the one, then at the other."""
        with ExitStack() as held:

            def tell(replicas: int) -> None:
                held.close()
                held.enter_context(hold.held(run.release.api, run.release, replicas, self._say))

            rounds = self._site.wish.of(SCALED_ROUNDS)
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


# In the order of NAMES, and a step last: what it added leaves by itself.
PLANNED: tuple[type[Planned], ...] = (RollingRestart, PodDeleted, PodForceKilled, NodeDrained, Scaling, LoadStep)
