import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.e2e.release import MINIMUM, Release

pytestmark = pytest.mark.e2e

READ_TIMEOUT_SECONDS = 5
CONNECTIONS = 8


def test_a_request_on_a_kept_connection_has_its_whole_time(installed: Release, http: httpx.Client) -> None:
    """A POST that goes to a pod on a connection that was idle is waited for as long as on a new one."""
    routing = {"attempts": 1, "readTimeoutSeconds": READ_TIMEOUT_SECONDS}
    installed.configure({"routing": routing})
    installed.wait_for_replicas(MINIMUM, seconds=120)

    def sleep(milliseconds: int) -> int:
        return http.post("/api/faults/sleep", params={"milliseconds": milliseconds}).status_code

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        opened = list(pool.map(sleep, [200] * CONNECTIONS))
        # Under way five seconds after these answers: a limit that had begun with them would end it.
        time.sleep(READ_TIMEOUT_SECONDS - 0.8)
        reused = list(pool.map(sleep, [1600] * CONNECTIONS))
    assert opened + reused == [httpx.codes.OK] * 2 * CONNECTIONS
