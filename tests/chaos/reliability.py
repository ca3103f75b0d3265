"""The summary of all experiments in docs/reliability.md: a run writes the rows of what it ran."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from k8s.cluster.revision import revision
from loadtests.chaos.table import HEADER, RULE, cells
from loadtests.machine import machine
from loadtests.markdown import row

if TYPE_CHECKING:
    from tests.chaos.experiment import Experiment

PATH = Path("docs/reliability.md")


def update(experiment: "Experiment", result: dict[str, Any], *, sabotaged: bool, path: Path = PATH) -> None:
    """Put a run's row in the place of its experiment's last one, or in its place by number."""
    text = path.read_text(encoding="utf-8")
    part = "sabotaged" if sabotaged else "experiments"
    start, end = f"<!-- {part} -->\n", f"<!-- end of {part} -->"
    before, _, rest = text.partition(start)
    table, _, after = rest.partition(end)
    rows = {line.split("|")[2].strip(): line for line in table.splitlines() if re.match(r"\| \d", line)}
    said = experiment.sabotage if sabotaged else experiment.promise
    rows[experiment.name] = row(*cells(experiment, result, said), revision())
    ordered = sorted(rows.values(), key=lambda line: int(line.split("|")[1]))
    header = ["broken on purpose" if sabotaged and name == "must hold" else name for name in HEADER]
    lines = ["", row(*header, "revision"), row(*RULE, "---"), *ordered, "", ""]
    text = before + start + "\n".join(lines) + end + after
    path.write_text(_with_dirty(_with_machine(text)), encoding="utf-8")


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
