"""What an autoscaler saw and wanted at its last look, and how that is said."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from k8s.client.autoscaler import REQUEST_RATE, Autoscaler, Condition, read_autoscaler
from k8s.doctor.behavior import DOWN, UP, window_seconds
from k8s.doctor.counted import Sample
from k8s.doctor.proposal import AVERAGE, UTILIZATION, Metric, Proposal, proposals
from k8s.doctor.snapshot import Json, Snapshot

DAY_SECONDS = 86_400
LARGE = 1000
NOTHING = Condition("", "Unknown", "", "")


@dataclass(frozen=True)
class Look:
    """An autoscaler's own figures, of its last look at its metrics."""

    hpa: Json
    autoscaler: Autoscaler
    found: tuple[tuple[Metric, Proposal | None], ...]
    """Its metrics, in its order, and what each asks for."""

    @property
    def decider(self) -> Metric | None:
        """The metric that it counted by: it says so itself; None: it counted by none."""
        active = self.condition("ScalingActive")
        asking = [metric for metric, proposal in self.found if proposal]
        if not active.is_true or not asking:
            return None
        return next((metric for metric in asking if speaks_of(active.message, metric)), asking[0])

    @property
    def decided(self) -> Proposal | None:
        """What that metric asks for."""
        return next((proposal for metric, proposal in self.found if proposal and metric == self.decider), None)

    @property
    def unseen(self) -> list[str]:
        """Names of metrics that it has no value of."""
        return [metric.name for metric, _ in self.found if metric.current is None]

    @property
    def is_free(self) -> bool:
        """Whether nothing held it: then what was asked for is what it set, or left."""
        scaler, reason = self.autoscaler, self.condition("AbleToScale").reason
        if self.condition("ScalingLimited").is_true:
            return False
        if scaler.desired == scaler.current:
            return reason == "ReadyForNewScale"
        # A step's own reason takes the place of the window's.
        direction = UP if scaler.desired > scaler.current else DOWN
        return reason == "SucceededRescale" and not window_seconds(self.hpa, direction)

    def condition(self, kind: str) -> Condition:
        """What it says of itself."""
        return self.autoscaler.conditions.get(kind, NOTHING)


def look(hpa: Json, release: Snapshot, samples: Mapping[str, Sample] | None) -> Look:
    """Read an autoscaler's last look; where its count leaves no doubt of what was asked for, that stands."""
    seen = Look(hpa, read_autoscaler(hpa), tuple(proposals(hpa, release, samples)))
    if not seen.is_free or seen.decided is None:
        return seen
    sure = replace(seen.decided, least=seen.autoscaler.desired, most=seen.autoscaler.desired)
    return replace(seen, found=tuple((of, sure if of == seen.decider else asks) for of, asks in seen.found))


def speaks_of(text: str, metric: Metric) -> bool:
    """Whether it is this metric that the autoscaler means in a message of its own."""
    name = re.escape(metric.id)
    kinds = {"Resource": rf"\b{name} resource", "ContainerResource": rf"\b{name} (container )?resource"}
    return re.search(kinds.get(metric.kind, rf" metric {name}(?![\w./-])"), text) is not None


def asked(proposal: Proposal) -> str:
    """Say what a metric asks for, and of which figures."""
    metric = proposal.metric
    if proposal.within is None:
        return f"the {metric.name} asks for {counts(proposal)} ({figures(proposal)})"
    of = f"within {100 * proposal.within:g} % of its target"
    return f"the {metric.name} asks for {counts(proposal)}, as there were ({figures(proposal)}: {of})"


def counts(proposal: Proposal) -> str:
    """Say how many replicas that is: two counts where the mean that the status shows leaves both."""
    return f"{proposal.least}" if proposal.least == proposal.most else f"{proposal.least} or {proposal.most}"


def figures(proposal: Proposal) -> str:
    """Say a metric's value beside its target."""
    metric = proposal.metric
    if proposal.total is not None:
        return f"{value(metric, proposal.total)} of all, {metric.wanted:g} wanted of each"
    of = {UTILIZATION: " of the request", AVERAGE: " of each"}.get(metric.measure, "")
    return f"{value(metric, metric.current)}{of}, {metric.wanted:g} wanted"


def value(metric: Metric, number: float | None) -> str:
    """Write a metric's value or target."""
    if number is None:
        return "<unknown>"
    shown = f"{number:,.0f}" if number >= LARGE else f"{number:.4g}"
    return f"{shown}{_unit(metric)}"


def clock(at_s: float, now_s: float) -> str:
    """Write a time of the last day, or an earlier one with its date."""
    at = datetime.fromtimestamp(at_s, UTC)
    return f"{at:%H:%M:%S} UTC" if now_s - at_s < DAY_SECONDS else f"{at:%Y-%m-%d %H:%M} UTC"


def _unit(metric: Metric) -> str:
    if metric.measure == UTILIZATION:
        return " %"
    return " requests/s" if metric.name == REQUEST_RATE else ""
