import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from k8s.cluster.kind import Kind
from k8s.cluster.steps import Steps
from tests.e2e.release import image_tag

REPOSITORY = "localhost/users-api"


@dataclass(frozen=True)
class Images:
    """Tags of two further images of the service, which each node has."""

    new: str
    broken: str


# Where the image has the revisions of the schema.
REVISIONS = "/opt/app/service/migrations/versions/"


def build(folder: Path) -> Images:
    """Make a newer image of the service, with another revision in it, and one that ends at once; load both."""
    base = f"{REPOSITORY}:{image_tag()}"
    images = Images(new="chaos-new", broken="chaos-broken")
    _build(base, 'ENV USERS_API_REVISION="new"', images.new)
    _build(base, 'ENTRYPOINT ["python", "-c", "raise SystemExit(\'broken on purpose\')"]', images.broken)
    _load(folder, images.new, images.broken)
    return images


def build_with_revisions(folder: Path, revisions: Mapping[str, str]) -> str:
    """Make an image with further revisions of the schema, by file name, and load it; gives its tag."""
    tag = "chaos-revisions"
    _build(f"{REPOSITORY}:{image_tag()}", f"COPY {' '.join(revisions)} {REVISIONS}", tag, revisions)
    _load(folder, tag)
    return tag


def _load(folder: Path, *tags: str) -> None:
    kind = shutil.which("kind")
    assert kind, "kind is missing: `make kind-up` builds it, and make's targets find it"
    Kind(Path(kind).parent, Steps(folder)).load(tuple(f"{REPOSITORY}:{tag}" for tag in tags))


def _build(base: str, instruction: str, tag: str, files: Mapping[str, str] | None = None) -> None:
    with tempfile.TemporaryDirectory() as context:
        for name, text in (files or {}).items():
            (Path(context) / name).write_text(text)
        (Path(context) / "Dockerfile").write_text(f"FROM {base}\n{instruction}\n")
        command = ("docker", "build", "--quiet", "--tag", f"{REPOSITORY}:{tag}", context)
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "DOCKER_BUILDKIT": "0"}
        )
        assert done.returncode == 0, done.stderr
