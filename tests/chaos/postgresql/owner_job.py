"""Jobs as the role that owns the tables, made after the one by which the release migrates."""

import json
from typing import Any

from tests.e2e.release import Release

COMPONENT = "app.kubernetes.io/component=migration"
MIGRATED_SECONDS = 180


def begin(release: Release, name: str, *command: str, image: str = "") -> None:
    """Start a Job with that command, and another image if one is given; one of that name that is there goes first."""
    release.kubectl("delete", "job", name, "--ignore-not-found")
    release.kubectl("create", "--filename", "-", stdin=json.dumps(_like(_migration(release), name, command, image)))


def wait(release: Release, name: str, seconds: int) -> None:
    """Wait until it has ended well."""
    release.kubectl("wait", "--for=condition=Complete", f"job/{name}", f"--timeout={seconds}s")


def has_ended(release: Release, name: str) -> bool:
    """Whether it has ended well."""
    done = "jsonpath={.status.conditions[?(@.type=='Complete')].status}"
    return release.kubectl("get", "job", name, f"--output={done}") == "True"


def wait_for_migration(release: Release) -> None:
    """Wait until the release's own Job has ended well."""
    (name,) = [job["metadata"]["name"] for job in _migrations(release)]
    wait(release, name, MIGRATED_SECONDS)


def _migration(release: Release) -> Any:  # noqa: ANN401 - JSON
    (job,) = _migrations(release)
    return job


def _migrations(release: Release) -> list[Any]:
    jobs = json.loads(release.kubectl("get", "jobs", f"--selector={COMPONENT}", "--output=json"))["items"]
    return [job for job in jobs if "helm.sh/hook" not in job["metadata"].get("annotations", {})]


def _like(job: Any, name: str, command: tuple[str, ...], image: str) -> dict[str, Any]:  # noqa: ANN401 - JSON
    """Make a Job of another's pod: with its labels, by which it may reach the server, and its Secrets."""
    template = job["spec"]["template"]
    labels = {key: value for key, value in template["metadata"]["labels"].items() if "job-name" not in key}
    labels = {key: value for key, value in labels.items() if "controller-uid" not in key}
    (container,) = template["spec"]["containers"]
    container = {**container, "command": list(command), "image": image or container["image"]}
    pod = {**template["spec"], "initContainers": [], "containers": [container]}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        # Without labels of its own a Job gets those of its pods, and looks like the one that it is made after.
        "metadata": {"name": name, "labels": {"app.kubernetes.io/component": "owner-job"}},
        "spec": {
            "backoffLimit": 0,
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
