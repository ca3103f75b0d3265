import pytest
from prometheus_client import REGISTRY

from service.fleet.circuit_breaker import BreakerMetrics, CircuitBreaker, State
from service.fleet.redis_client.metrics import AVAILABLE, BREAKER_TRANSITIONS


@pytest.fixture
def changes() -> list[State]:
    """Collect what the breaker reports."""
    return []


@pytest.fixture
def breaker(changes: list[State]) -> CircuitBreaker:
    """A breaker of three failures and two probes."""
    return CircuitBreaker(
        "redis",
        failures=3,
        probe_successes=2,
        on_change=changes.append,
        metrics=BreakerMetrics(AVAILABLE, BREAKER_TRANSITIONS),
    )


def test_opens_after_consecutive_failures(breaker: CircuitBreaker, changes: list[State]) -> None:
    """It opens at the third failure in a row, and says so once."""
    for _ in range(2):
        breaker.record_failure()
    assert not breaker.is_open
    for _ in range(3):
        breaker.record_failure()
    assert breaker.state == "open"
    assert changes == ["open"]
    assert REGISTRY.get_sample_value("users_api_redis_available") == 0


def test_success_between_failures_keeps_it_closed(breaker: CircuitBreaker) -> None:
    """A success starts the count of failures anew."""
    for _ in range(5):
        breaker.record_failure()
        breaker.record_failure()
        breaker.record_success()
    assert not breaker.is_open


def test_closes_after_probes_in_a_row(breaker: CircuitBreaker, changes: list[State]) -> None:
    """It closes only after two probes in a row have succeeded."""
    breaker.trip()
    breaker.record_probe_success()
    breaker.record_failure()
    breaker.record_probe_success()
    assert breaker.is_open
    breaker.record_probe_success()
    assert changes == ["open", "closed"]
    assert REGISTRY.get_sample_value("users_api_redis_available") == 1


def test_trips_once(breaker: CircuitBreaker, changes: list[State]) -> None:
    """Tripping an open breaker changes nothing."""
    breaker.trip()
    breaker.trip()
    assert changes == ["open"]


def test_probe_success_while_closed(breaker: CircuitBreaker, changes: list[State]) -> None:
    """A probe's success while closed forgives earlier failures."""
    breaker.record_failure()
    breaker.record_failure()
    breaker.record_probe_success()
    breaker.record_failure()
    assert changes == []
