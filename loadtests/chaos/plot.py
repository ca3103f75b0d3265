from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
from matplotlib import pyplot as plt

from k8s.client.recorder import Moment
from loadtests.colours import BLUE, GREEN, ORANGE, RED
from loadtests.measure import Answers


def plot(
    answers: Answers, moments: Sequence[Moment], marks: Sequence[tuple[float, str]], title: str, path: Path
) -> None:
    """Draw requests and failures, times to the answer, and replicas over one time axis, with what was done when."""
    mpl.use("agg")
    seconds = answers.by_second()
    start = min([second.at_s for second in seconds] + [moment.at_s for moment in moments], default=0.0)
    figure, (requests, times, replicas) = plt.subplots(3, sharex=True, figsize=(9, 8), layout="constrained")
    figure.suptitle(title, fontsize="medium", wrap=True)

    at = [second.at_s - start for second in seconds]
    requests.step(at, [second.requests for second in seconds], where="post", color=BLUE, label="requests/s")
    requests.step(at, [second.failed for second in seconds], where="post", color=RED, label="of them failed")
    requests.set_ylabel("requests/s")

    times.plot(at, [second.p50_ms for second in seconds], color=BLUE, label="p50 of each second")
    times.plot(at, [second.p99_ms for second in seconds], color=ORANGE, linewidth=1, label="p99 of each second")
    times.set_yscale("log")
    times.set_ylabel("ms")

    known = [(moment.at_s - start, moment.wanted, moment.ready) for moment in moments if moment.wanted is not None]
    if known:
        seen, wanted, ready = zip(*known, strict=True)
        replicas.step(seen, wanted, where="post", color=RED, linestyle="--", label="wanted")
        replicas.step(seen, ready, where="post", color=GREEN, linewidth=2, label="ready")
    replicas.set_ylabel("replicas")
    replicas.set_ylim(bottom=0)
    replicas.yaxis.get_major_locator().set_params(integer=True)
    replicas.set_xlabel("seconds")

    for panel in (requests, times, replicas):
        panel.grid(visible=True, alpha=0.3)
        for marked_at, _ in marks:
            panel.axvline(marked_at - start, color="black", linestyle=":", linewidth=1)
        if panel.get_lines():
            panel.legend(loc="upper left", fontsize="small")
    for marked_at, what in marks:
        requests.annotate(
            what, (marked_at - start, 1), xycoords=("data", "axes fraction"), rotation=30, fontsize="x-small"
        )
    figure.savefig(path, dpi=110)
    plt.close(figure)
