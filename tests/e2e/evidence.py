import contextlib
import subprocess
from pathlib import Path

from tests.e2e.helm import CONTEXT
from tests.e2e.release import NAMESPACE


def keep(folder: Path) -> None:
    """Write what the cluster says of the release: objects, events, logs."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, command in {
        "objects": ("get", "all,hpa,ingress,pvc", "--output=wide"),
        "events": ("get", "events", "--sort-by=.lastTimestamp"),
        "hpa": ("describe", "hpa"),
        "pods": ("describe", "pods"),
        "logs": ("logs", "--selector=app.kubernetes.io/instance", "--prefix", "--tail=300", "--all-containers"),
    }.items():
        with (folder / f"{name}.txt").open("wb") as file:
            kubectl = ("kubectl", "--context", CONTEXT, "--namespace", NAMESPACE, *command)
            # What failed may be the cluster itself: without evidence the test still says what, and the others run.
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(kubectl, stdout=file, stderr=subprocess.STDOUT, check=False, timeout=60)
