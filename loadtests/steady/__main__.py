"""`python -m loadtests.steady PATH < WORK`: send what the JSON asks for, write the answers to a CSV file.

It ends with JSON of how many requests were due and not sent, and of the CPU that it took. `loadtests/measure/offer.py`
starts it.
"""

import csv
import gc
import json
import resource
import sys
import time
from pathlib import Path

from loadtests.errors import LoadTestError
from loadtests.steady.origin import Origin
from loadtests.steady.requests import requests_of
from loadtests.steady.sender import COLUMNS, Sender

# Beside the connections: what Python has open itself, and the file of the answers.
_OWN_FILES = 32


def main() -> None:
    """Do it."""
    gc.disable()  # nothing is thrown away until the end
    work = json.load(sys.stdin)
    try:
        _allow_open_files(work["clients"] + _OWN_FILES)
        origin = Origin(work["host"], work["port"], is_tls=work["is_tls"])
    except LoadTestError as error:
        sys.exit(str(error))
    sender = Sender(origin, requests_of(work), work["clients"], work["cache_header"].lower().encode())
    sender.run(work["rate"], work["seconds"], work["timeout_seconds"])
    with Path(sys.argv[1]).open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows(sender.rows)
    json.dump({"dropped": sender.dropped, "cpu_seconds": time.process_time()}, sys.stdout)


def _allow_open_files(needed: int) -> None:
    """Take more than a shell gives, as programs in Go do by themselves.

    Raises:
        LoadTestError: it may have no more.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if needed <= soft:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
    except (OSError, ValueError) as error:
        raise LoadTestError(
            f"{needed} files must be open at once: raise `ulimit -n`, which is {soft} of {hard}"
        ) from error


if __name__ == "__main__":
    main()
