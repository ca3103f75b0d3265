from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

from loadtests.bench.contestants import SERVERS
from loadtests.bench.summary import Results, median_rate

_COLOURS = {"service": "#1b6ca8", "rival": "#b0b7bf"}
_NAMES = {
    "raw_asgi": "raw ASGI callable",
    "service_l1": "this service, L1 hit",
    "service_l2": "this service, L2 hit",
    "bare_fastapi": "bare FastAPI route",
    "fleet_alone": "that, with the library",
    "on_fleet": "ten lines on the library",
    "plain_stack": "plain stack",
}


def draw(results: Results, path: Path) -> None:
    """Draw the medians as bars, one panel a server; whiskers span the rounds."""
    mpl.rcParams["svg.hashsalt"] = "users-api"  # the same picture from the same figures
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    for axes, server in zip(figure.subplots(1, 2, sharey=True), SERVERS, strict=True):
        for row, (name, label) in enumerate(reversed(_NAMES.items())):
            measured = results[f"{name} on {server}"]
            rates = [measurement.requests_per_second for measurement in measured]
            middle = median_rate(measured)
            span = [[middle - min(rates)], [max(rates) - middle]]
            colour = _COLOURS["service" if name.startswith("service") else "rival"]
            axes.barh(label, middle, color=colour, xerr=span, error_kw={"lw": 1, "capsize": 2})
            axes.annotate(f" {middle:,.0f}", (max(rates), row), va="center", fontsize=9)
        axes.set_title(f"on {server}", fontsize=10)
        axes.margins(x=0.18)
        axes.xaxis.set_major_formatter("{x:,.0f}")
        axes.spines[["top", "right"]].set_visible(False)
    figure.supxlabel("requests a second: one worker, one core", fontsize=10)
    for suffix in (".png", ".svg"):
        figure.savefig(path.with_suffix(suffix), dpi=150)
