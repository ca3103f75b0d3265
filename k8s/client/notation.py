"""Numbers and times as Kubernetes writes them."""

from datetime import datetime

from kubernetes.utils.quantity import parse_quantity


def quantity(text: str | None) -> float | None:
    """A number: 1500m is 1.5, and 1k is 1000."""
    if not text:
        return None
    return float(parse_quantity(text))  # type: ignore[no-untyped-call]


def unix_seconds(text: str) -> float:
    """A time: 1970-01-01T00:00:01Z is 1."""
    return datetime.fromisoformat(text).timestamp()
