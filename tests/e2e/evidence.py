import contextlib
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from k8s.client.release import Release
from tests.e2e.helm import CONTEXT
from tests.e2e.release import NAMESPACE


def namespaces(fixtures: Iterable[object]) -> set[str]:
    """Where the releases are that a test has, by itself or in a list; that of the shared one if it has none."""
    found = {one.namespace for one in _each(fixtures) if isinstance(one, Release)}
    return found or {NAMESPACE}


def keep(folder: Path, namespace: str) -> None:
    """Write what the cluster says of a namespace: objects, events, logs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, command in {
        "objects": ("get", "all,hpa,ingress,pvc", "--output=wide"),
        "events": ("get", "events", "--sort-by=.lastTimestamp"),
        "hpa": ("describe", "hpa"),
        "pods": ("describe", "pods"),
        "logs": ("logs", "--selector=app.kubernetes.io/instance", "--prefix", "--tail=300", "--all-containers"),
    }.items():
        with (folder / f"{name}.txt").open("wb") as file:
            kubectl = ("kubectl", "--context", CONTEXT, "--namespace", namespace, *command)
            # What failed may be the cluster itself: without evidence the test still says what, and the others run.
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(kubectl, stdout=file, stderr=subprocess.STDOUT, check=False, timeout=60)


def _each(fixtures: Iterable[object]) -> Iterator[object]:
    for fixture in fixtures:
        if isinstance(fixture, list | tuple):
            yield from fixture
        yield fixture
