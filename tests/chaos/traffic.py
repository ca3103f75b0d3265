from loadtests.chaos.experiments import Traffic
from loadtests.measure import Request
from tests.chaos.experiment import Extent, Run

# Requests a second. Load, cluster and service share two cores: where they are slow ones, or others run on them too, 200
# leave pods no room to start in, and requests time out (917 of 18,623, while six started and a type check ran beside).
RATE = Extent(200, short=100)
# Reads, and writes that no proxy may send twice.
MIX = (
    Request(name="read", weight=95),
    Request(method="PATCH", body={"name": "Grace Hopper"}, name="write", weight=5),
)


def traffic(run: Run) -> Traffic:
    """Give the load of most experiments."""
    return Traffic(run.of(RATE), MIX)
