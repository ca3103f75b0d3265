"""Results as rows of Markdown."""

from collections.abc import Mapping
from typing import Any

from loadtests.chaos.run import Promise

HEADER = ("#", "experiment", "must hold", "form", "measured", "p50, ms", "p99, ms", "holds")
RULE = ("---:", "---", "---", "---", "---", "---:", "---:", "---")


def cells(promise: Promise, result: Mapping[str, Any], said: str) -> tuple[str, ...]:
    """Give what stands below each part of the header; `said` is what must hold, or what was broken."""
    measured = "; ".join(f"{name}: {_said(figure)}" for name, figure in result["figures"].items())
    return (
        str(promise.number),
        promise.name,
        said,
        "short" if result["short"] else "full",
        f"{result['requests']:,} requests; {measured}",
        *(str(result[name] or "") for name in ("p50_ms", "p99_ms")),
        "yes" if result["held"] else "no",
    )


def _said(figure: float | None) -> str:
    """A figure as the table has it: one that is no number is of what was waited for and did not come."""
    return "never" if figure is None else f"{figure:,}"
