import os
import re
from pathlib import Path

from prometheus_client import multiprocess

_FILE = re.compile(r"gauge_live\w+_(\d+)\.db")


def forget_the_dead() -> None:
    """Take the live gauges of workers that have ended out of what the others tell; what they counted stays.

    Done when it is asked for, as not every server says that a worker has died.
    """
    for file in Path(os.environ["PROMETHEUS_MULTIPROC_DIR"]).iterdir():
        found = _FILE.fullmatch(file.name)
        if found is not None and not _is_alive(int(found[1])):
            multiprocess.mark_process_dead(int(found[1]))  # type: ignore[no-untyped-call]


def _is_alive(process_id: int) -> bool:
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    return True
