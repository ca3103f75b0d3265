"""What held the count where it is: what is unknown, a bound, a window, or how fast the autoscaler may act."""

from collections.abc import Iterator
from dataclasses import dataclass

from k8s.doctor.behavior import DOWN, UP, is_off, rate, window_seconds
from k8s.doctor.look import Look, clock
from k8s.doctor.pause import IN, OUT, pauses, unpause
from k8s.doctor.snapshot import Snapshot

BELOW = "see the first broken link below"


@dataclass(frozen=True)
class Hold:
    """One thing that holds the count, and what is to be done if it should not."""

    text: str
    remedy: str


def holds(seen: Look, release: Snapshot) -> Iterator[Hold]:
    """Find what holds the count, in the autoscaler's order."""
    scaler, able, active = seen.autoscaler, seen.condition("AbleToScale"), seen.condition("ScalingActive")
    describe = f"kubectl --namespace {release.namespace} describe hpa {scaler.name}"
    if not able.is_true:
        yield Hold(f"it can't act{_since(seen, release, 'AbleToScale')}: {able.message}", describe)
    elif scaler.minimum == scaler.maximum:
        yield Hold(
            f"minReplicas and maxReplicas are both {scaler.minimum}",
            "set them apart; or replicaCount, with autoscaling.engine=none",
        )
    elif active.status == "False":
        yield _inactive(seen, release, describe)
    elif scaler.current > scaler.maximum:
        yield Hold(f"there were {scaler.current}, above maxReplicas, which needs no metric", _more(seen))
    elif scaler.current < scaler.minimum:
        yield Hold(f"there were {scaler.current}, below minReplicas, which needs no metric", _fewer(seen))
    else:
        yield from _windows(seen)
        if seen.condition("ScalingLimited").is_true:
            yield _limited(seen, release)
        if seen.unseen:
            text = f"{' and '.join(seen.unseen)} <unknown>: until that is known no replica is taken away"
            yield Hold(text, BELOW)


def _inactive(seen: Look, release: Snapshot, describe: str) -> Hold:
    active, since = seen.condition("ScalingActive"), _since(seen, release, "ScalingActive")
    if not active.reason.startswith("FailedGet"):
        return Hold(f"it counts nothing{since} ({active.reason}): {active.message}", describe)
    names = " and ".join(seen.unseen) or "a metric"
    if any(proposal for _, proposal in seen.found):
        return Hold(f"{names} <unknown>{since}, and it takes no replica away until it knows all metrics", BELOW)
    return Hold(f"{names} <unknown>{since}: without a metric it keeps the count", BELOW)


def _windows(seen: Look) -> Iterator[Hold]:
    """When the count that a window keeps was asked for, no status says."""
    scaler, reason = seen.autoscaler, seen.condition("AbleToScale").reason
    step = scaler.desired - scaler.current
    # A step's own reason takes the place of the window's, which then shows in that it was not as far as was asked for.
    asks = seen.decided if reason == "SucceededRescale" and not seen.condition("ScalingLimited").is_true else None
    if reason == "ScaleDownStabilized" or (step < 0 and asks and asks.most < scaler.desired):
        seconds, what = window_seconds(seen.hpa, DOWN), "scaleDown.stabilizationWindowSeconds"
        text = f"held at {scaler.desired} as at least that was asked for within the last {seconds} s ({what})"
        yield Hold(text, f"wait until no look of {seconds} s asks for as much; or lower autoscaling.behavior.{what}")
    elif reason == "ScaleUpStabilized" or (step > 0 and asks and asks.least > scaler.desired):
        seconds, what = window_seconds(seen.hpa, UP), "scaleUp.stabilizationWindowSeconds"
        text = f"held at {scaler.desired} as no more was asked for at some look of the last {seconds} s ({what})"
        yield Hold(text, f"wait until each look of {seconds} s asks for more; or lower autoscaling.behavior.{what}")


def _limited(seen: Look, release: Snapshot) -> Hold:
    scaler, since = seen.autoscaler, _since(seen, release, "ScalingLimited")
    match seen.condition("ScalingLimited").reason:
        case "TooManyReplicas":
            return Hold(f"held at {scaler.desired} by maxReplicas{since}", _more(seen))
        case "TooFewReplicas":
            return Hold(f"held at {scaler.desired} by minReplicas{since}", _fewer(seen))
        case "ScaleUpLimit":
            return _rated(seen, release, UP, since)
        case "ScaleDownLimit":
            return _rated(seen, release, DOWN, since)
        case reason:
            return Hold(f"held at {scaler.desired} ({reason}): {seen.condition('ScalingLimited').message}", "")


def _rated(seen: Look, release: Snapshot, direction: str, since: str) -> Hold:
    scaler = seen.autoscaler
    if is_off(seen.hpa, direction):
        name = OUT if direction == UP else IN
        if release.scaled_object is not None and name in pauses(release.scaled_object):
            text = f"held at {scaler.desired} by the annotation {name}{since}"
            return Hold(text, unpause(release.namespace, release.scaled_object, name))
        text = f"held at {scaler.desired} by {direction}.selectPolicy=Disabled{since}"
        return Hold(text, f"set autoscaling.behavior.{direction}.selectPolicy to Max")
    allowed = rate(seen.hpa, direction)
    text = f"held at {scaler.desired} by what {direction}.policies allow ({allowed}){since}"
    return Hold(text, f"wait: it goes on by itself; or change autoscaling.behavior.{direction}.policies")


def _since(seen: Look, release: Snapshot, kind: str) -> str:
    """Say since when a condition holds for this count; its own time is of its last change, not of its reason's."""
    since_s = seen.condition(kind).since_s
    if since_s is None:
        return ""
    if kind == "ScalingLimited":
        since_s = max(since_s, seen.autoscaler.last_scaled_at_s or 0)
    return f" since {clock(since_s, release.now_s)}"


def _more(seen: Look) -> str:
    return f"raise autoscaling.maxReplicas ({seen.autoscaler.maximum}), if the load is real and the nodes have room"


def _fewer(seen: Look) -> str:
    return f"lower autoscaling.minReplicas ({seen.autoscaler.minimum}), if fewer are enough when nothing is asked"
