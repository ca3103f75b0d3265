import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def in_background(ended: threading.Event, name: str, *jobs: Callable[[], None]) -> Iterator[None]:
    """Run jobs, each in a thread of its own, for as long as the block lasts.

    Then `ended` is set, by which a job knows that it has to return, and all are waited for.
    """
    threads = [threading.Thread(target=job, name=f"{name}-{number}") for number, job in enumerate(jobs)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()
