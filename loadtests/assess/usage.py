import os
import re
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from k8s.client.errors import ClusterError
from k8s.client.prometheus import Prometheus
from loadtests.assess.parts import AGENTS, Parts

# A pod's UID, with _ where systemd names the group; of a static pod the hash of its manifest.
_POD = re.compile(r"pod([0-9a-f]{32}|[0-9a-f]{8}(?:[-_][0-9a-f]{4}){3}[-_][0-9a-f]{12})")
_TICKS = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100
GENERATOR = "load generator"
AGENTS_PART = "node agents (kubelet, containerd, docker)"
REST = "other work on this machine"


@dataclass
class Usage:
    """CPU used during one phase, in cores: by the whole machine of the load generator, and by part."""

    seconds: float = 0
    host_cores: int = field(default_factory=lambda: os.cpu_count() or 1)
    host_busy: float = 0
    parts: dict[str, float] = field(default_factory=dict)
    busiest_pod: dict[str, float] = field(default_factory=dict)
    """By part, the busiest of its pods: a pod of the service has one process with one thread that answers."""
    source: str = ""
    """Where the pods' figures come from."""
    generator_cores: int = 1
    """How many the load generator can use."""

    @property
    def pods_are_here(self) -> bool:
        """Whether the cluster's nodes share the machine, and so its cores, with the load generator."""
        return self.source.startswith("/proc")

    def add_generator(self, cpu_seconds: float, cores: int) -> None:
        """Note what the load generator used, once it has ended, and how many cores it can."""
        self.parts[GENERATOR] = cpu_seconds / self.seconds if self.seconds else 0
        self.generator_cores = cores


class UsageMeter:
    """Measures who uses the CPU: from /proc where the nodes are on this machine, else from Prometheus' cAdvisor."""

    def __init__(self, parts: Parts, prometheus: Prometheus, proc: Path = Path("/proc")) -> None:
        self._parts = parts
        self._prometheus = prometheus
        self._proc = proc

    @contextmanager
    def measuring(self) -> Iterator[Usage]:
        """Measure for as long as the block lasts; the figures are there after it."""
        usage = Usage()
        self._parts.refresh()
        started, before, busy = time.monotonic(), self._processes(), self._busy_seconds()
        try:
            yield usage
        finally:
            usage.seconds = time.monotonic() - started
            after = self._processes()
            usage.host_busy = (self._busy_seconds() - busy) / usage.seconds
            self._parts.refresh()
            self._share_out(usage, before, after)

    def _share_out(self, usage: Usage, before: Mapping[int, "_Process"], after: Mapping[int, "_Process"]) -> None:
        parts: defaultdict[str, float] = defaultdict(float)
        pods: defaultdict[tuple[str, str], float] = defaultdict(float)
        for pid, process in after.items():
            cores = (process.seconds - before.get(pid, _Process("", "", 0)).seconds) / usage.seconds
            if process.pod:
                part, pod = self._parts.of(process.pod)
                parts[part] += cores
                pods[part, pod] += cores
            else:
                parts[AGENTS_PART if process.name in AGENTS else REST] += cores
        usage.source = "/proc of this machine, which is the cluster's too"
        if not pods:
            usage.source = "cAdvisor by Prometheus; the load generator's machine is another"
            for (part, pod), cores in self._from_prometheus(usage.seconds).items():
                parts[part] += cores
                pods[part, pod] += cores
        usage.parts.update(parts)
        for (part, _), cores in pods.items():
            usage.busiest_pod[part] = max(cores, usage.busiest_pod.get(part, 0))

    def _from_prometheus(self, seconds: float) -> dict[tuple[str, str], float]:
        # Two scrapes at least, or there is no rate: shorter phases get the mean of a minute.
        window = max(60, round(seconds))
        query = f'sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{{pod!="",container!=""}}[{window}s]))'
        try:
            samples = self._prometheus.query(query)
        except ClusterError:
            return {}
        found = {}
        for sample in samples:
            pod = sample.labels["pod"]
            found[self._parts.named(sample.labels["namespace"], pod), pod] = sample.value
        return found

    def _processes(self) -> dict[int, "_Process"]:
        found = {}
        for folder in self._proc.iterdir():
            if folder.name.isdigit():
                try:
                    stat = (folder / "stat").read_text()
                    groups = (folder / "cgroup").read_text()
                except OSError:  # it has ended
                    continue
                # proc(5): the name in parentheses may have spaces; utime and stime are the 14th and 15th field
                name, fields = stat[stat.index("(") + 1 : stat.rindex(")")], stat[stat.rindex(")") + 2 :].split()
                pod = _POD.search(groups)
                seconds = (int(fields[11]) + int(fields[12])) / _TICKS
                found[int(folder.name)] = _Process(name, pod[1].replace("_", "-") if pod else "", seconds)
        return found

    def _busy_seconds(self) -> float:
        # user, nice, system, idle, iowait, irq, softirq, steal: proc(5)
        spent = [int(word) for word in (self._proc / "stat").read_text().partition("\n")[0].split()[1:9]]
        return (sum(spent) - spent[3] - spent[4]) / _TICKS


@dataclass(frozen=True)
class _Process:
    name: str
    pod: str
    """UID of the pod it belongs to, if any."""
    seconds: float
