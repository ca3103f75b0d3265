import pytest

from loadtests.assess.limiting import limiting_part
from loadtests.assess.parts import REDIS, SERVICE
from loadtests.assess.usage import GENERATOR, REST, Usage
from tests.assessment import usage


def _limit(used: Usage, reasons: dict[str, int] | None = None, dropped: int = 0) -> tuple[str, str]:
    limit = limiting_part(used, reasons=reasons or {}, answered=500, dropped=dropped)
    return limit.part, limit.evidence


def test_refusals_are_the_limiter() -> None:
    """A 429 comes from the limiter, whatever the CPU does."""
    part, evidence = _limit(usage(2.0), {"429": 1200})
    assert part == "rate limiter"
    assert evidence.startswith("1,200 requests got 429")


@pytest.mark.parametrize("part", [SERVICE, REDIS])
def test_a_busy_thread_is_named_before_the_machine(part: str) -> None:
    """A pod of one process that uses a core is the limit, though the machine is busy too."""
    used = usage(2.0)
    used.busiest_pod[part] = 0.97
    found, evidence = _limit(used)
    assert found == part
    assert "0.97 cores" in evidence


def test_a_busy_machine_is_told_by_core_spent() -> None:
    """The evidence has each part's cores, the CPU of a request, and what others took of the machine."""
    used = usage(1.95, **{REST: 0.4})
    used.source = "/proc of this machine"
    part, evidence = _limit(used)
    assert part == "CPU of this machine"
    # 0.4 + 0.5 + 0.02 + 0.3 cores for 500 a second
    assert "2,440 us of CPU each at 500 a second, so 410 requests a second for each core spent" in evidence
    assert "0.40 for work that has nothing to do with it" in evidence


def test_a_cluster_elsewhere_shares_no_cores() -> None:
    """Where the pods are on other machines, no CPU time of a request is made up of both."""
    used = usage(1.95)
    used.source = "cAdvisor by Prometheus"
    assert "us of CPU each" not in _limit(used)[1]


def test_the_load_generator_is_named_where_it_uses_the_machine_alone() -> None:
    """A generator that has all the cores it can use, of a machine that is not quite busy: what is late is its own."""
    used = usage(1.8, **{GENERATOR: 0.9})
    assert _limit(used)[0] == GENERATOR
    used.generator_cores = 2
    assert _limit(used)[0] != GENERATOR


def test_errors_and_waiting_are_what_is_left() -> None:
    """With CPU to spare the reason is the errors, or that something waits."""
    assert _limit(usage(1.0), {"503": 3})[0] == "errors"
    assert _limit(usage(1.0), dropped=3)[0] == "waiting, not CPU"
