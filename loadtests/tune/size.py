"""What a load takes, from what was measured of a replica once: no load, and no cluster."""

import argparse
import json
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import starmap
from typing import Any

from k8s.client.deployment import surge_of
from k8s.client.notation import quantity
from loadtests.errors import LoadTestError
from loadtests.markdown import row
from loadtests.tune.options import RECORD, RESULT
from loadtests.tune.plan import Plan, stated_of, values_of
from loadtests.tune.report import table, values_file
from loadtests.tune.sizing import MOST, Measured, Value, number
from loadtests.tune.tuning import pod_hours_of

_GIBIBYTE = 2**30
_PAGE = """# {peak:,.0f} requests a second

A replica holds {capacity:,.1f} requests a second ({source}).

| value | is | because |
| --- | ---: | --- |
{values}

| it takes | at most | as |
| --- | ---: | --- |
{needs}

A day between {low:,.0f} and {peak:,.0f} requests/s takes {pod_hours:,.1f} pod-hours.
"""


@dataclass(frozen=True)
class Node:
    """What each node has for pods; None where it was not said."""

    cores: float | None = None
    gibibytes: float | None = None


def size(options: argparse.Namespace) -> list[Value]:
    """Write the values for a load, with their reasons and what they take of a cluster.

    Raises:
        LoadTestError: nothing says what a replica holds, or the options contradict each other.
    """
    plan = Plan(stated=stated_of(options), values=values_of(options.values), reaction_seconds=options.reaction)
    measured, source = _measured(options, plan)
    found = plan.follow(measured)
    stated = plan.stated
    page = _PAGE.format(
        peak=stated.peak,
        low=stated.low,
        capacity=measured.capacity,
        source=source,
        values=table(found),
        needs="\n".join(starmap(row, needs(plan.values, found, Node(options.node_cores, options.node_gibibytes)))),
        pod_hours=pod_hours_of(stated, found),
    )
    options.output.mkdir(parents=True, exist_ok=True)
    (options.output / "values.yaml").write_text(values_file(found), encoding="utf-8")
    (options.output / "size.md").write_text(page, encoding="utf-8")
    sys.stdout.write(f"{page}\nwritten: {options.output}/values.yaml, size.md\n")
    return found


def needs(values: Mapping[str, Any], found: Sequence[Value], node: Node) -> list[tuple[str, str, str]]:
    """Say what the most replicas take, those of a rollout included: name, amount, reason."""
    most = int(number(found, MOST))
    surge = surge_of(values["strategy"]["maxSurge"], most)
    pods = most + surge
    each_cpu, each_memory = _each(values, found, "requests", "cpu"), _each(values, found, "limits", "memory")
    rows, shares = [("pods", str(pods), f"{most} and {surge} more in a rollout")], list[float]()
    if each_cpu is not None:
        rows.append(("CPU", f"{pods * each_cpu:.2f} cores", f"{pods} requests of {each_cpu * 1000:.0f}m"))
        shares += [pods * each_cpu / node.cores] if node.cores else []
    if each_memory is not None:
        gibibytes = pods * each_memory / _GIBIBYTE
        rows.append(("memory", f"{gibibytes:.2f} GiB", f"{pods} limits of {each_memory / 2**20:.0f} MiB"))
        shares += [gibibytes / node.gibibytes] if node.gibibytes else []
    if shares:
        full = math.ceil(max(shares))
        rows.append(("nodes", str(full + 1), f"{full} that are full, and one that may be away; for these pods alone"))
    return rows


def _each(values: Mapping[str, Any], found: Sequence[Value], kind: str, name: str) -> float | None:
    path = f"resources.{kind}.{name}"
    said = next((str(each.value) for each in found if each.path == path), None)
    return quantity(said or (values["resources"].get(kind) or {}).get(name))


def _measured(options: argparse.Namespace, plan: Plan) -> tuple[Measured, str]:
    if options.capacity is not None:
        if options.measured is not None:
            raise LoadTestError("--capacity and --measured both say what a replica holds: give one")
        return Measured(options.capacity, *plan.reaction(None)), "as stated"
    path = options.measured or RESULT / RECORD
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        measured = Measured(**record["measured"])
        source = f"measured of {record['release']} at revision {record['revision']}"
    except FileNotFoundError as error:
        raise LoadTestError(
            f"no {path}: `make tune` writes it, --measured names another, --capacity says it by hand"
        ) from error
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise LoadTestError(f"{path} is no record of `make tune`: {error!r}") from error
    if options.reaction is not None:
        seconds, how = plan.reaction(None)
        measured = replace(measured, reaction_seconds=seconds, reaction_is=how)
    return measured, source
