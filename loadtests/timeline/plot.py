from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from loadtests.colours import BLUE, GREEN, ORANGE, RED
from loadtests.timeline.sample import Sample


def plot(samples: Sequence[Sample], path: Path, load_ended_s: int | None) -> None:
    """Draw the record as three panels over one time axis: load, replicas, what clients saw."""
    mpl.use("agg")
    times = [sample.time_s for sample in samples]
    figure, (load, replicas, clients) = plt.subplots(3, sharex=True, figsize=(9, 8), layout="constrained")
    figure.suptitle("Replicas follow the load", fontweight="bold")

    load.plot(times, [_gap(sample.rps) for sample in samples], color=BLUE, label="requests/s")
    load.set_ylabel("requests/s")
    cpu = load.twinx()
    cpu.plot(times, [_gap(sample.cpu_percent) for sample in samples], color=ORANGE, label="CPU")
    cpu.set_ylabel("CPU, % of the request")
    cpu.set_ylim(bottom=0)
    _legend(load, cpu)

    desired, ready = [s.desired for s in samples], [s.ready for s in samples]
    replicas.step(times, desired, where="post", color=RED, linestyle="--", label="wanted")
    replicas.step(times, ready, where="post", color=GREEN, linewidth=2, label="ready")
    replicas.fill_between(times, ready, step="post", color=GREEN, alpha=0.15)
    replicas.set_ylabel("replicas")
    replicas.yaxis.get_major_locator().set_params(integer=True)
    _legend(replicas)

    clients.plot(times, [_gap(sample.p95_ms) for sample in samples], color=BLUE, label="p95 of each second")
    clients.set_ylabel("p95, ms")
    clients.set_xlabel("seconds")
    failed = clients.twinx()
    failed.step(times, [s.failed_total for s in samples], where="post", color=RED, label="failed so far")
    failed.set_ylabel("failed requests")
    failed.set_ylim(0, max(1, 1.1 * samples[-1].failed_total))
    failed.yaxis.get_major_locator().set_params(integer=True)
    _legend(clients, failed)

    for panel in (load, replicas, clients):
        panel.set_ylim(bottom=0)
        panel.set_xlim(0, max(1, times[-1]))
        panel.grid(visible=True, alpha=0.3)
        if load_ended_s is not None:
            panel.axvline(load_ended_s, color="black", linestyle=":", linewidth=1)
    if load_ended_s is not None:
        load.annotate(
            "load ends",
            (load_ended_s, 0.5),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
        )
    figure.savefig(path, dpi=120)
    plt.close(figure)


def _gap(value: float | None) -> float:
    return float("nan") if value is None else value


def _legend(*panels: Axes) -> None:
    drawn = [line for panel in panels for line in panel.get_lines()]
    panels[0].legend(drawn, [str(line.get_label()) for line in drawn], loc="upper left", fontsize="small")
