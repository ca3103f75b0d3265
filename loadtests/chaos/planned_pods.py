"""Experiments in which pods of a release end, and others take their places."""

from loadtests.chaos import experiments, faults, nodes
from loadtests.chaos.experiments import Found
from loadtests.chaos.planned import Planned
from loadtests.chaos.run import Promise, Run
from loadtests.chaos.wish import Extent
from loadtests.errors import LoadTestError

ROUNDS = Extent(3, short=1)
# Of load while all pods restart, however soon they have.
RESTART_SECONDS = Extent(60, short=20)


class _OfPods(Planned):
    """Pods end, again and again."""

    def _rounds(self) -> int:
        return self._site.wish.of(ROUNDS)

    def _alone(self) -> str:
        one = "does not apply: it has one replica, and nobody answers while that is replaced"
        return one if self._site.replicas == 1 else ""


class RollingRestart(_OfPods):
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


class _EachPod(_OfPods):
    """One pod after another ends."""

    def unfit(self) -> str:
        """Refuse where nobody else answers."""
        return self._alone()

    @property
    def at_most_seconds(self) -> float:
        """Each pod is replaced in its patience."""
        return self._rounds() * (faults.PATIENCE_SECONDS + experiments.SECONDS_EACH)


class PodDeleted(_EachPod):
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


class PodForceKilled(_EachPod):
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


class NodeDrained(_OfPods):
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
