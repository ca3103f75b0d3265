"""Why there are so many replicas: what each metric asks for, which one decided, and what held the count since when."""

from dataclasses import dataclass

from k8s.client.autoscaler import read_conditions
from k8s.client.errors import NoAnswerError
from k8s.client.event import read_event
from k8s.doctor.api import Api, with_query
from k8s.doctor.counted import read_samples
from k8s.doctor.held import BELOW, holds
from k8s.doctor.look import Look, asked, clock, counts, look, speaks_of, value
from k8s.doctor.pause import PAUSED, REPLICAS, pauses, unpause
from k8s.doctor.proposal import AVERAGE
from k8s.doctor.snapshot import Snapshot


@dataclass(frozen=True)
class Reason:
    """Why there are so many, and what changes it; empty: nothing needs to."""

    text: str
    remedy: str = ""


def explain(api: Api, release: Snapshot) -> str:
    """Say in a sentence why there are so many replicas; below it each metric, the last change, and what changes it."""
    hpa = release.hpa
    replicas = f"{release.wanted} replica{'' if release.wanted == 1 else 's'}"
    known = _without_metrics(release)
    if known is not None or hpa is None:
        reason = known or _unscaled(release)
        return _lines(f"{replicas}: {reason.text}", [], reason.remedy)
    seen = look(hpa, release, read_samples(api, release))
    found = list(holds(seen, release))
    parts = [] if seen.decided is None else [asked(seen.decided)]
    parts += [hold.text for hold in found]
    if _falls_back(release):
        parts.append("KEDA makes the value up, as its fallback says: its last looks at Prometheus failed")
    sentence = f"{replicas}{_since(seen, release)}: {'; '.join(parts)}"
    remedies = dict.fromkeys(hold.remedy for hold in found if hold.remedy)
    if _falls_back(release):
        remedies[BELOW] = None
    return _lines(sentence, [*_table(seen), *_last_change(api, seen, release)], "; ".join(remedies))


def _lines(sentence: str, rows: list[str], remedy: str) -> str:
    return "\n".join([sentence, *(f"  {row}" for row in rows), *([f"to change it: {remedy}"] if remedy else [])])


def _without_metrics(release: Snapshot) -> Reason | None:
    """Where no metric has a say: the autoscaler is paused, switched off, or has not looked yet."""
    scaled_object = release.scaled_object
    paused = [name for name in pauses(scaled_object) if name in {PAUSED, REPLICAS}]
    if scaled_object is not None and paused:
        shown = " and ".join(f"{name}={pauses(scaled_object)[name]}" for name in paused)
        text = f"ScaledObject {scaled_object['metadata']['name']} is paused by its annotation {shown}"
        return Reason(text, unpause(release.namespace, scaled_object, *paused))
    if not release.wanted and release.autoscaler is not None:
        back = f"scale deployment {release.deployment} --replicas={release.autoscaler.minimum}"
        text = f"Deployment {release.deployment} was set to none, which switches the autoscaler off"
        return Reason(text, f"kubectl --namespace {release.namespace} {back}")
    if release.autoscaler is not None and not release.autoscaler.conditions:
        text = "the Deployment was made with so many; the autoscaler has not looked yet"
        return Reason(text, "wait for its first look; if there is none, is kube-controller-manager running?")
    return None


def _unscaled(release: Snapshot) -> Reason:
    if release.scaled_object is not None:
        return Reason("KEDA has made no HorizontalPodAutoscaler, so nothing changes the count", BELOW)
    return Reason(
        f"Deployment {release.deployment} says so, and nothing scales it", "set autoscaling.engine to keda or hpa"
    )


def _since(seen: Look, release: Snapshot) -> str:
    scaler = seen.autoscaler
    if scaler.desired and release.wanted != scaler.desired:
        return f", set by another than the autoscaler, which last wanted {scaler.desired} and sets it at its next look"
    if scaler.last_scaled_at_s is None:
        return ", never changed by the autoscaler"
    before = f", {scaler.current} before" if scaler.current != scaler.desired else ""
    return f" since {clock(scaler.last_scaled_at_s, release.now_s)}{before}"


def _falls_back(release: Snapshot) -> bool:
    fallback = read_conditions((release.scaled_object or {}).get("status", {})).get("Fallback")
    return fallback is not None and fallback.is_true


def _table(seen: Look) -> list[str]:
    rows = [("metric", "value", "target", "asks for", "")]
    for metric, proposal in seen.found:
        each = " each" if metric.measure == AVERAGE else ""
        mean = f"{value(metric, metric.current)}{each if metric.current is not None else ''}"
        target = f"{value(metric, metric.wanted)}{each}"
        notes = ["decides"] if metric == seen.decider else []
        if proposal is not None and proposal.total is not None:
            notes.append(f"{value(metric, proposal.total)} in all")
        rows.append((metric.name, mean, target, counts(proposal) if proposal else "-", ", ".join(notes)))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _last_change(api: Api, seen: Look, release: Snapshot) -> list[str]:
    """What the autoscaler said when it last set this count; the API server forgets that after an hour."""
    scaler = seen.autoscaler
    selected = f"involvedObject.kind=HorizontalPodAutoscaler,involvedObject.name={scaler.name}"
    try:
        listed = api.get(with_query(f"/api/v1/namespaces/{release.namespace}/events", fieldSelector=selected))["items"]
    except NoAnswerError:
        return []
    changes = [event for event in map(read_event, listed) if event.reason == "SuccessfulRescale"]
    last = max(changes, key=lambda event: event.at_s, default=None)
    if last is None or not last.message.startswith(f"New size: {scaler.desired};"):
        return []
    said = last.message.partition("reason: ")[2]
    above = next((metric.name for metric, _ in seen.found if speaks_of(said, metric)), None)
    reason = f"the {above} was above its target" if above else said[:1].lower() + said[1:]
    return [f"last change: to {scaler.desired} at {clock(last.at_s, release.now_s)}: {reason}"]
