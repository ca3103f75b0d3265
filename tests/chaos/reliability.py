"""The summary of all experiments in docs/reliability.md: a run writes the rows of what it ran."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8s.cluster.revision import revision
from loadtests.machine import machine

if TYPE_CHECKING:
    from tests.chaos.experiment import Experiment

PATH = Path("docs/reliability.md")
HEADERS = {
    False: "| # | experiment | must hold | form | measured | p50, ms | p99, ms | holds | revision |",
    True: "| # | experiment | broken on purpose | form | measured | p50, ms | p99, ms | holds | revision |",
}


def update(experiment: "Experiment", result: dict[str, Any], *, sabotaged: bool, path: Path = PATH) -> None:
    """Put a run's row in the place of its experiment's last one, or in its place by number."""
    text = path.read_text(encoding="utf-8")
    name = "sabotaged" if sabotaged else "experiments"
    start, end = f"<!-- {name} -->\n", f"<!-- end of {name} -->"
    before, _, rest = text.partition(start)
    table, _, after = rest.partition(end)
    rows = {line.split("|")[2].strip(): line for line in table.splitlines() if re.match(r"\| \d", line)}
    rows[experiment.name] = _line(experiment, result, sabotaged=sabotaged)
    ordered = sorted(rows.values(), key=lambda line: int(line.split("|")[1]))
    header = HEADERS[sabotaged]
    rule = "| ---: | --- | --- | --- | --- | ---: | ---: | --- | --- |"
    text = before + start + "\n".join(["", header, rule, *ordered, "", ""]) + end + after
    path.write_text(_with_dirty(_with_machine(text)), encoding="utf-8")


def _line(experiment: "Experiment", result: dict[str, Any], *, sabotaged: bool) -> str:
    measured = "; ".join(f"{name}: {_said(figure)}" for name, figure in result["figures"].items())
    cells = [
        str(experiment.number),
        experiment.name,
        experiment.sabotage if sabotaged else experiment.promise,
        "short" if result["short"] else "full",
        f"{result['requests']:,} requests; {measured}",
        *(str(result[name] or "") for name in ("p50_ms", "p99_ms")),
        "yes" if result["held"] else "no",
        revision(),
    ]
    return "| " + " | ".join(cells) + " |"


def _said(figure: float | None) -> str:
    """A figure as the table has it: one that is no number is of what was waited for and did not come."""
    return "never" if figure is None else f"{figure:,}"


def _with_dirty(text: str) -> str:
    """Say which rows are of a revision that nobody else can check out."""
    rows = [line for line in text.splitlines() if re.match(r"\| \d", line)]
    dirty = sum(line.endswith("-dirty |") for line in rows)
    said = f"{dirty} of {len(rows)} rows" if dirty else "none"
    return re.sub(r"(?<=<!-- dirty -->).*?(?=<!-- end of dirty -->)", said, text, flags=re.DOTALL)


def _with_machine(text: str) -> str:
    facts = machine()
    said = f"{facts['cores']} cores of {facts['cpu']}, {facts['memory_mib']} MiB"
    return re.sub(r"(?<=<!-- machine -->).*?(?=<!-- end of machine -->)", said, text, flags=re.DOTALL)
