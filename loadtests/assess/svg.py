import io
import re
from collections.abc import Callable

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# Stands for the page's own text colour, dark or light; no other colour of a chart is this one.
INK = "#010203"
# In inches of 72 points: shown at a phone's width its text of 9 points stays readable.
SIZE = (4.2, 2.7)


def svg(name: str, draw: Callable[[Axes], None]) -> str:
    """Draw a chart as an element for a page; `name` tells it from the page's others."""
    with mpl.rc_context():
        mpl.rcParams["svg.hashsalt"] = name  # ids differ from chart to chart, and are the same from run to run
        mpl.rcParams["svg.fonttype"] = "none"  # text stays text: it can be searched, and takes the page's font
        mpl.rcParams["font.size"] = 9
        for part in ("text.color", "axes.labelcolor", "axes.edgecolor", "xtick.color", "ytick.color"):
            mpl.rcParams[part] = INK
        figure = Figure(figsize=SIZE, layout="constrained")
        axes = figure.subplots()
        draw(axes)
        axes.spines[["top", "right"]].set_visible(False)
        drawn = io.StringIO()
        figure.savefig(drawn, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    return inline(drawn.getvalue())


def inline(svg: str) -> str:
    """Take an SVG file's element, to stand in a page: as wide as its place, its text in the page's colour and font."""
    element = svg[svg.index("<svg") :]
    head, _, rest = element.partition(">")
    box = re.search(r'viewBox="[^"]+"', head)
    rest = re.sub(r"<metadata>.*?</metadata>", "", rest, flags=re.DOTALL)
    rest = re.sub(r'<g id="[^"]*"', "<g", rest)  # the same names in each chart
    rest = rest.replace(INK, "currentColor").replace("'DejaVu Sans', ", "")
    rest = re.sub(r"font: ([^;\"]*?)(\d+)px [^;\"]*", r"font: \1\2px system-ui, sans-serif", rest)
    return f'<svg xmlns="http://www.w3.org/2000/svg" {box[0] if box else ""} aria-hidden="true">{rest}'
