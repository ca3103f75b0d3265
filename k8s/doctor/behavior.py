"""How fast an autoscaler may act, in words."""

from typing import Any

from k8s.doctor.snapshot import Json

UP, DOWN = "scaleUp", "scaleDown"
# What the controller holds to where an autoscaler says nothing; it has a flag for the window.
DEFAULT_WINDOW_SECONDS = {UP: 0, DOWN: 300}
_SELECTED = {"Max": "the more of these", "Min": "the less of these"}


def window_seconds(hpa: Json, direction: str) -> int:
    """Seconds of which the least (up) or the most (down) that was asked for holds."""
    said: int | None = _rules(hpa, direction).get("stabilizationWindowSeconds")
    return DEFAULT_WINDOW_SECONDS[direction] if said is None else said


def is_off(hpa: Json, direction: str) -> bool:
    """Whether it may not act in a direction at all."""
    return bool(_rules(hpa, direction).get("selectPolicy") == "Disabled")


def rate(hpa: Json, direction: str) -> str:
    """How many replicas it may add or remove, and how often."""
    rules = _rules(hpa, direction)
    policies = [_policy(policy) for policy in rules.get("policies") or ()]
    if not policies:  # nothing is said, then it is this upwards, and no bound downwards
        return "to twice as many, or to 4" if direction == UP else "by any number"
    several = f", {_SELECTED[rules.get('selectPolicy', 'Max')]}" if len(policies) > 1 else ""
    return " or ".join(policies) + several


def _policy(policy: Any) -> str:  # noqa: ANN401 - JSON
    what = f"{policy['value']} %" if policy["type"] == "Percent" else f"{policy['value']} pods"
    return f"{what} each {policy['periodSeconds']} s"


def _rules(hpa: Json, direction: str) -> Json:
    found: Json = (hpa["spec"].get("behavior") or {}).get(direction) or {}
    return found
