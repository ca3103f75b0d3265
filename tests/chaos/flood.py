import json
import subprocess
from pathlib import Path

from tests.e2e.load import BASE_URL, HEADERS

SCRIPT = Path(__file__).with_name("flood.lua")


def flood(connections: int, seconds: int, path: str = "/api/users/1") -> dict[int, int]:
    """Ask again on each of so many connections as soon as the answer is there; gives answers by status, 0 for none.

    By wrk: k6 needs the core for 450 requests a second for which wrk needs a twentieth of it.
    """
    given = [argument for name, value in HEADERS.items() for argument in ("-H", f"{name}: {value}")]
    command = ("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "-s", str(SCRIPT), *given)
    done = subprocess.run((*command, f"{BASE_URL}{path}"), capture_output=True, text=True, check=True)
    counted = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    return {int(status): count for status, count in json.loads(counted).items()}
