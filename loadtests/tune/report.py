import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from k8s.cluster.revision import revision
from loadtests.machine import machine
from loadtests.markdown import row
from loadtests.tune.offer import Step
from loadtests.tune.options import RECORD
from loadtests.tune.plot import draw
from loadtests.tune.sizing import Value
from loadtests.tune.tuning import Tuning

_PAGE = """# What a replica of {release} holds

Written by `make tune` at revision {revision}; the load came from {cores} cores of {cpu}. Each step offered {request}
at a steady rate to replicas whose number did not change.

**{rate:,.1f} requests/s a replica** are answered without a failure and within {p95_target:g} ms (p95). {rounds} rounds
found {found}; their mean is known to {spread:.1%}{doubt}. The values follow from {low:,.1f}.
The load of these rounds was `loadtests.steady`'s, which takes less of the machine than k6. With k6 a round found
{by_k6:,.1f}.

At the new target of {target:g} requests/s a replica, {confirmed.requests:,} requests of k6 had a p95 of
{confirmed.p95_ms:,.1f} ms, and {confirmed.failed:,} failed{verdict}.

![Steps that were held and not, and the replicas of a day](tune.png)

| value | is | because |
| --- | ---: | --- |
{values}

A day between {stated.low:,.0f} and {stated.peak:,.0f} requests/s takes {pod_hours:,.1f} pod-hours; the fewest replicas
all day would be {at_fewest:,}, the most {at_most:,}.

| requests/s a replica | by | replicas | requests | p95, ms | failed | held |
| ---: | --- | ---: | ---: | ---: | ---: | --- |
{steps}
"""
_DOUBT = ", which is less well than was wanted: is the machine busy?"


def values_file(values: Sequence[Value]) -> str:
    """Write them for `helm --values`, each with its reason above it."""
    tree: dict[str, Any] = {}
    for each in values:
        *folders, name = each.path.split(".")
        place = tree
        for folder in folders:
            place = place.setdefault(folder, {})
        place[name] = each
    return "".join(_lines(tree, ""))


def table(values: Sequence[Value]) -> str:
    """Give the rows of a Markdown table: path, value, reason."""
    return "\n".join(row(f"`{path}`", _yaml(value), reason) for path, value, reason in values)


def markdown(tuning: Tuning) -> str:
    """Say what was found, and each value with its reason."""
    capacity, facts = tuning.capacity, machine()
    fewest, most = tuning.bounds
    return _PAGE.format(
        release=tuning.release,
        revision=revision(),
        cores=facts["cores"],
        cpu=facts["cpu"],
        request=tuning.request,
        rate=capacity.rate,
        p95_target=tuning.p95_target_ms,
        rounds=len(capacity.rounds),
        found=", ".join(f"{rate:,.1f}" for rate in capacity.rounds),
        spread=capacity.spread,
        doubt="" if capacity.is_enough else _DOUBT,
        low=capacity.low,
        by_k6=tuning.by_k6,
        target=tuning.target,
        confirmed=tuning.confirmed,
        verdict="" if tuning.confirmed.held else f": it was not held ({tuning.confirmed.reason})",
        values=table(tuning.values),
        stated=tuning.stated,
        pod_hours=tuning.pod_hours,
        at_fewest=24 * fewest,
        at_most=24 * most,
        steps="\n".join(map(_row, tuning.steps)),
    )


def write(tuning: Tuning, folder: Path) -> None:
    """Keep values, page, plot and record."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "values.yaml").write_text(values_file(tuning.values), encoding="utf-8")
    (folder / "tune.md").write_text(markdown(tuning), encoding="utf-8")
    record = {**asdict(tuning), "pod_hours": tuning.pod_hours, "machine": machine(), "revision": revision()}
    (folder / RECORD).write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    draw(tuning, folder / "tune.png")


def _lines(tree: Mapping[str, Any], indent: str) -> list[str]:
    lines: list[str] = []
    for name, found in tree.items():
        if isinstance(found, Value):
            lines += [f"{indent}# {found.reason}\n", f"{indent}{name}: {_yaml(found.value)}\n"]
        else:
            lines += [f"{indent}{name}:\n", *_lines(found, indent + "  ")]
    return lines


def _row(step: Step) -> str:
    held = "yes" if step.held else f"no: {step.reason}"
    return row(
        f"{step.rate:,.1f}",
        step.generator,
        str(step.replicas),
        f"{step.requests:,}",
        f"{step.p95_ms:,.1f}",
        f"{step.failed:,}",
        held,
    )


def _yaml(value: object) -> str:
    text: str = yaml.safe_dump(value)
    return text.removesuffix("\n").removesuffix("\n...")
