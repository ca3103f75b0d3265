import os
from contextlib import AbstractContextManager
from pathlib import Path

from loadtests.measure import READ, Load, Request, Stage, open_load

BASE_URL = os.environ.get("BASE_URL", "http://localhost:8080")
HEADERS = {"authorization": "Bearer test-token"}
# Ten minutes at most: each test ends its load itself.
SECONDS = 600
# Of so much CPU that a few a second are more than a replica's target.
BURN = Request("/api/faults/cpu?milliseconds=100", name="burn")


def constant_rate(folder: Path, requests_per_second: int, request: Request = READ) -> AbstractContextManager[Load]:
    """Send requests through the Ingress at a constant rate while the block does something else."""
    stages = [Stage(requests_per_second, SECONDS)]
    return open_load(folder, stages, requests=[request], environment={"BASE_URL": BASE_URL})
