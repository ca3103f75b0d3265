import os
import shutil
import subprocess
import tempfile
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


def build(folder: Path) -> Images:
    """Make a newer image of the service, with another revision in it, and one that ends at once; load both."""
    base = f"{REPOSITORY}:{image_tag()}"
    images = Images(new="chaos-new", broken="chaos-broken")
    _build(base, 'ENV USERS_API_REVISION="new"', images.new)
    _build(base, 'ENTRYPOINT ["python", "-c", "raise SystemExit(\'broken on purpose\')"]', images.broken)
    kind = shutil.which("kind")
    assert kind, "kind is missing: `make kind-up` builds it, and make's targets find it"
    Kind(Path(kind).parent, Steps(folder)).load((f"{REPOSITORY}:{images.new}", f"{REPOSITORY}:{images.broken}"))
    return images


def _build(base: str, instruction: str, tag: str) -> None:
    with tempfile.TemporaryDirectory() as context:
        (Path(context) / "Dockerfile").write_text(f"FROM {base}\n{instruction}\n")
        command = ("docker", "build", "--quiet", "--tag", f"{REPOSITORY}:{tag}", context)
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, env={**os.environ, "DOCKER_BUILDKIT": "0"}
        )
        assert done.returncode == 0, done.stderr
