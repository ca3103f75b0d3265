import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from loadtests.assess.assessment import Assessment
from loadtests.assess.charts import charts
from loadtests.assess.limiting import PATH, shares
from loadtests.assess.targets import Target, number, targets
from loadtests.assess.usage import GENERATOR

TEMPLATES = Path(__file__).parent / "templates"
NOTHING = "-"


def write(found: Assessment, raw: Sequence[Path], output: Path) -> list[Path]:
    """Write report.json, report.md and report.html to `output`; `raw` are the files that the figures come from."""
    compared = targets(found)
    written = {
        "report.json": _json(found, compared, raw, output),
        "report.md": _render("report.md.j2", found, compared, raw, output),
        "report.html": _render("report.html.j2", found, compared, raw, output, charts=list(charts(found))),
    }
    for name, text in written.items():
        (output / name).write_text(text)
    return [output / name for name in written]


def _json(found: Assessment, compared: Sequence[Target], raw: Sequence[Path], output: Path) -> str:
    content = {
        "targets": [target.as_json() for target in compared],
        "all_met": all(target.met for target in compared),
        **found.as_json(),
        "raw": [str(path.relative_to(output)) for path in raw],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _render(
    template: str,
    found: Assessment,
    compared: Sequence[Target],
    raw: Sequence[Path],
    output: Path,
    **more: Any,  # noqa: ANN401
) -> str:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=template.endswith(".html.j2"),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["number"] = _number
    return environment.get_template(template).render(
        found=found,
        targets=compared,
        missed=[target for target in compared if not target.met],
        costs=_costs(found),
        raw=[str(path.relative_to(output)) for path in raw],
        **more,
    )


def _number(value: float | None, unit: str = "") -> str:
    return NOTHING if value is None else number(value, unit)


def _costs(found: Assessment) -> list[tuple[str, float, float | None]]:
    """Of the hold: each part's cores, and its microseconds of CPU a request where the part works for requests."""
    if not found.throughput:
        return []
    hold = found.throughput.hold
    return [
        (part, cores, cores / hold.answered * 1e6 if hold.answered and part in PATH else None)
        for part, cores in shares(hold.usage)
        if part == GENERATOR or cores
    ]
