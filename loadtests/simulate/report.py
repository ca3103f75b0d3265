from collections.abc import Iterator, Mapping, Sequence
from itertools import starmap

from k8s.simulation import GARBAGE_PERCENT
from loadtests.markdown import row
from loadtests.simulate.account import Outcome
from loadtests.simulate.comparison import GONE_SECONDS, READY_SECONDS
from loadtests.simulate.fidelity import Fidelity
from loadtests.simulate.front import SAME_ERRORS, SAME_SHARE
from loadtests.simulate.record import Record
from loadtests.simulate.scale import Scale
from loadtests.simulate.scenarios import SYNC_SECONDS
from loadtests.simulate.settings import DEFAULTS, Setting


def markdown(record: Record) -> str:
    """Write the run as tables and what follows from them."""
    compared = record.comparison
    titles = {setting.name: setting.title for setting in compared.settings}
    lines = [*_conclusion(record, titles), "", *_settings(compared.settings)]
    for scenario in compared.scenarios:
        outcomes = compared.outcomes[scenario.name]
        lines += [
            "",
            f"## {scenario.title.capitalize()}",
            "",
            *_outcomes(outcomes, titles, record.fronts[scenario.name]),
        ]
    if record.scale:
        lines += ["", f"## {record.scale.nodes:,} nodes, {record.scale.pods:,} pods", "", *_scale(record.scale)]
    lines += ["", "## How far to trust it", "", *_trust(record)]
    return "\n".join(lines) + "\n"


def _conclusion(record: Record, titles: Mapping[str, str]) -> Iterator[str]:
    if DEFAULTS not in titles:
        return
    yield "What the figures say, computed from them:"
    yield ""
    for scenario in record.comparison.scenarios:
        best = record.fronts[scenario.name]
        verb = "is" if DEFAULTS in best else "is not"
        named = ", ".join(titles[name] for name in best)
        yield f"- {scenario.title}: the chart's default {verb} among those that no other beats ({named})."
    beaten = record.better_than_defaults
    if beaten:
        named = ", ".join(titles[name] for name in beaten)
        yield f"- over all of them, these beat the chart's defaults and lose to them nowhere: {named}."
    else:
        yield "- over all of them, nothing beats the chart's defaults without losing to them somewhere."


def _settings(settings: Sequence[Setting]) -> Iterator[str]:
    rows = (
        (
            setting.title,
            _rules(setting.behavior["scaleUp"]),
            _rules(setting.behavior["scaleDown"]),
            f"{setting.target_percent:.0f} %",
            f"{setting.window_seconds}/{setting.scrape_seconds} s",
        )
        for setting in settings
    )
    yield from _table(("setting", "up", "down", "target", "rate window/scrape"), rows, left=3)


def _rules(rules: Mapping[str, object]) -> str:
    policies = rules["policies"]
    if not isinstance(policies, list):
        raise TypeError(f"policies are no list: {policies!r}")
    said = " or ".join(
        f"{each['value']}{' %' if each['type'] == 'Percent' else ' pods'}/{each['periodSeconds']} s"
        for each in policies
    )
    window = rules.get("stabilizationWindowSeconds") or 0
    return f"{said}, after {window} s" if window else said


def _outcomes(outcomes: Mapping[str, Outcome], titles: Mapping[str, str], best: Sequence[str]) -> Iterator[str]:
    surge = any(each.seconds_to_capacity is not None for each in outcomes.values())
    rows = (
        (
            f"**{titles[name]}**" if name in best else titles[name],
            f"{each.pod_hours:,.1f}",
            _with_error(each.over_capacity, each.over_capacity_error),
            f"{100 * each.share_over:.2f} %",
            f"{each.short_seconds:,.0f}",
            f"{each.turns:.1f}",
            str(each.most_replicas),
            *((_seconds(each.seconds_to_capacity),) if surge else ()),
        )
        for name, each in outcomes.items()
    )
    head = ("setting", "pod-hours", "requests over capacity", "share", "seconds short", "turns", "most pods")
    yield from _table((*head, *(("surge to capacity",) if surge else ())), rows)


def _with_error(value: float, error: float) -> str:
    return f"{value:,.0f} ± {error:,.0f}" if error else f"{value:,.0f}"


def _seconds(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s"


def _scale(scale: Scale) -> Iterator[str]:
    rows = (
        ("autoscalers, each from a sixteenth to all of its pods", f"{scale.autoscalers}"),
        (
            "step of load to an autoscaler's first new replica, median and slowest, s",
            f"{scale.reaction_p50_s:.0f}, {scale.reaction_max_s:.0f}",
        ),
        ("step of load to all pods wanted, s", f"{scale.wanted_s:.0f}"),
        ("step of load to all pods ready, s", f"{scale.ready_s:.0f}"),
        (
            "pods scheduled a second, mean and best ten seconds",
            f"{scale.scheduled_per_s:.0f}, {scale.scheduled_peak_per_s:.0f}",
        ),
        (
            "a pod's creation to its node, median and p99, s",
            f"{scale.scheduling_p50_s:.2f}, {scale.scheduling_p99_s:.1f}",
        ),
    )
    yield from _table(("in real time", "measured"), iter(rows))
    yield ""
    used = ((name, f"{one.cpu_seconds:.0f}", f"{one.peak_rss_bytes / 2**20:,.0f}") for name, one in scale.usage.items())
    yield from _table(("process", "CPU, s", f"most memory at GOGC={GARBAGE_PERCENT}, MiB"), used)


def _trust(record: Record) -> Iterator[str]:
    compared = record.comparison
    seen: Fidelity = compared.fidelity
    yield (
        "- Real: the API server, scheduler, Deployment and HPA controllers, and the chart's Deployment and HPA. "
        f"Simulated by kwok: nodes and pods, ready {READY_SECONDS} s after binding and gone {GONE_SECONDS} s after "
        "deletion. A double: the metrics, computed from the traffic with each setting's window and scrapes."
    )
    yield (
        f"- A pod's capacity is {compared.model.capacity_rps:.0f} requests/s, of which the chart's request-rate target "
        "is the share that its CPU target is of the CPU request. Beyond it a pod lives on what its node has left; it "
        f"never answers more than {compared.model.ceiling_rps:.0f}, a core's worth."
    )
    yield (
        f"- The comparison ran {compared.speed} times as fast as time, with every period divided by that. The "
        f"autoscaler looked every {seen.between_looks_p50_s:.1f} s of simulated time (p99 "
        f"{seen.between_looks_p99_s:.0f}; told {SYNC_SECONDS}), {seen.looks:,} times. A pod had its node after "
        f"{seen.scheduling_p50_s:.1f} s (p99 {seen.scheduling_p99_s:.0f}): {compared.speed} times what it took."
    )
    yield (
        f"- What is said to differ does so by more than {100 * SAME_SHARE:.0f} %, and where a crowd comes again and "
        f"again by {SAME_ERRORS} standard errors (the figure after ±)."
    )
    for change in compared.rounded:
        yield f"- Rounded to whole seconds: {change}."
    machine = record.machine
    load = f"load average {machine['load_average_1m']:.1f} at the start"
    yield f"- {machine['cores']} cores, {load}; revision {machine['revision']}."


def _table(head: Sequence[str], rows: Iterator[tuple[str, ...]], left: int = 1) -> Iterator[str]:
    yield row(*head)
    yield row(*("---" if column < left else "---:" for column in range(len(head))))
    yield from starmap(row, rows)
