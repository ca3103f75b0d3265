import pytest

from k8s.client.notation import quantity, unix_seconds


@pytest.mark.parametrize(("text", "number"), [("1500m", 1.5), ("1k", 1000.0), ("2", 2), ("", None), (None, None)])
def test_quantity(text: str | None, number: float | None) -> None:
    """Kubernetes' thousandths are read."""
    assert quantity(text) == number


def test_unix_seconds() -> None:
    """A time in UTC is read, to the fraction of a second that events have."""
    assert unix_seconds("1970-01-01T00:00:01Z") == 1
    assert unix_seconds("1970-01-01T00:00:01.250000Z") == 1.25
