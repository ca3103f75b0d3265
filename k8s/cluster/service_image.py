"""Builds the service's image from this checkout and puts it into the cluster."""

import shutil
import tempfile
from pathlib import Path

from k8s.cluster import docker, host, published
from k8s.cluster.binaries import Binaries
from k8s.cluster.images import PYTHON, PYTHON_BUILD, Images, build_environment
from k8s.cluster.kind import Kind, made
from k8s.cluster.mirror import Mirror
from k8s.cluster.modes import BUILD
from k8s.cluster.revision import revision
from k8s.cluster.steps import StepError, Steps
from k8s.cluster.wheels import Wheels

NAME = "localhost/users-api"
_ROOT = Path(__file__).resolve().parents[2]


def build(cache: Path, steps: Steps, kind: Kind, mirror: Mirror) -> None:
    """Build the image and load it, tagged `dev` and with a tag of its own, which goes into `<output>/tag`.

    Raises:
        StepError: there is no engine or no cluster; or a step failed.
    """
    engine = docker.ask()
    if engine.trouble:
        message = f"no Docker engine answers: {engine.trouble}: {docker.remedy(engine.trouble)}"
        raise StepError(message)
    if not (mode := made()):
        message = "there is no cluster to load the image into: `make kind-up` first"
        raise StepError(message)
    wheels = Wheels(cache, steps, engine.architecture).service()
    commit = revision()
    base, builder = (PYTHON, PYTHON_BUILD) if mode == BUILD else (mirror.image(published.PYTHON),) * 2
    if mode == BUILD:  # a cluster of an earlier version has another Python
        Images(cache, steps, Binaries(cache, steps), can_raise_limits=host.look().can_raise_limits).python()
    steps.directory.mkdir(parents=True, exist_ok=True)
    # Not in the cache: Snap's Docker reads no hidden folder.
    with tempfile.TemporaryDirectory(dir=steps.directory) as temporary:
        context = Path(temporary)
        for name in ("Dockerfile", "requirements.lock"):
            shutil.copy2(_ROOT / name, context / name)
        shutil.copytree(_ROOT / "service", context / "service", ignore=shutil.ignore_patterns("__pycache__"))
        shutil.copytree(wheels, context / "wheels")
        command: list[str | Path] = [
            "docker",
            "build",
            "--tag",
            f"{NAME}:dev",
            "--build-arg",
            f"BASE_IMAGE={base}",
            "--build-arg",
            f"BUILD_IMAGE={builder}",
            "--build-arg",
            f"REVISION={commit}",
            context,
        ]
        steps.run(
            f"build image {NAME} at {commit}",
            lambda: steps.command("docker-build", command, env=build_environment(mode)),
            about="30 s",
        )
    # With the image's id in its tag an upgrade rolls the pods, also from one uncommitted change to the next.
    identity = steps.command("docker-inspect", ["docker", "image", "inspect", "--format", "{{.Id}}", f"{NAME}:dev"])
    tag = f"{commit}-{identity.removeprefix('sha256:')[:8]}"
    steps.command("docker-tag", ["docker", "tag", f"{NAME}:dev", f"{NAME}:{tag}"])
    steps.run("load it into the cluster", lambda: kind.load((f"{NAME}:dev", f"{NAME}:{tag}")), about="10 s")
    (steps.directory / "tag").write_text(tag, encoding="utf-8")
