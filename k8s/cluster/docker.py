"""What the docker command answers, and what to do about each answer, always with its own words."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass

from k8s.cluster import system

ANSWER_SECONDS = 20
PULL_SECONDS = 120
# No word from a registry: either none is reached from here, or a packet was lost.
_SILENCE = ("timeout", "timed out", "deadline exceeded")
# A registry is reached, and gives in an hour, after a login, or by a faster line: no ground to build for half an hour.
_NOT_NOW = ("toomanyrequests", "rate limit", "try again", "did not answer")


@dataclass(frozen=True)
class Answer:
    """What an engine says of itself; without one, why there is none.

    Attributes:
        trouble: in docker's words; empty where an engine answers.
        architecture: of what runs in it, as Linux calls it: x86_64 or aarch64. On macOS its machine is not the host.
        cgroup_version: 1 or 2; hybrid counts as 1.
        root_folder: where it keeps its state.
        memory_bytes: of the machine that it runs in; 0 where it says nothing.
    """

    trouble: str = ""
    architecture: str = ""
    cgroup_version: int = 0
    root_folder: str = ""
    memory_bytes: int = 0


def ask() -> Answer:
    """Ask the engine what it is."""
    if shutil.which("docker") is None:
        return Answer("there is no docker command")
    status, said, trouble = _run(("info", "--format", "{{json .}}"), ANSWER_SECONDS)
    if status:
        return Answer(trouble)
    facts = json.loads(said)
    if errors := facts.get("ServerErrors"):
        return Answer(" ".join(errors))
    architecture = str(facts.get("Architecture", ""))
    return Answer(
        "",
        {"arm64": "aarch64", "amd64": "x86_64"}.get(architecture, architecture),
        int(facts.get("CgroupVersion") or 0),
        str(facts.get("DockerRootDir", "")),
        int(facts.get("MemTotal") or 0),
    )


def is_there(image: str) -> bool:
    """Tell whether the engine has an image."""
    return _run(("image", "inspect", image), ANSWER_SECONDS)[0] == 0


def image_of(container: str) -> str:
    """Return the image that a container was made of, running or not; empty without one of that name."""
    status, said, _ = _run(("container", "inspect", "--format", "{{.Config.Image}}", container), ANSWER_SECONDS)
    return "" if status else said.strip()


def why_not_pulled(image: str) -> str:
    """Have the engine pull a small image; returns why it could not, in its words, or nothing.

    The engine is asked, as `docker manifest inspect` is answered by the command, which may have another proxy. Where no
    registry answered it, it is asked a second time.
    """
    trouble = _pull(image)
    return _pull(image) if _says(trouble, _SILENCE) else trouble


def reaches_a_registry(trouble: str) -> bool:
    """Tell whether this pull failed only for now."""
    return _says(trouble, _NOT_NOW)


def remedy(trouble: str) -> str:
    """Return what to do about no engine, or no image."""
    said = trouble.lower()
    if "no docker command" in said:
        return system.install_docker()
    if "permission denied" in said:
        return "sudo usermod -aG docker $USER, then log in again (`id -nG` must name the group docker)"
    if _says(said, ("toomanyrequests", "rate limit")):
        return "`docker login` raises the limit; or wait an hour"
    if "manifest unknown" in said:
        return "see whether that registry has the image; what a mirror must have is in docs/mirror.md"
    if "docker daemon" in said or "docker.sock" in said:
        return system.start_docker()
    return "see whether `docker pull hello-world` works, and which proxy the engine needs (`docker info`)"


def _pull(image: str) -> str:
    status, _, trouble = _run(("pull", "--quiet", image), PULL_SECONDS)
    return trouble if status else ""


def _says(trouble: str, words: Sequence[str]) -> bool:
    return any(word in trouble.lower() for word in words)


def _run(arguments: Sequence[str], seconds: float) -> tuple[int, str, str]:
    """Return exit status, output, and what went wrong."""
    try:
        done = subprocess.run(
            ("docker", *arguments), capture_output=True, text=True, timeout=seconds, check=False, errors="replace"
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"`docker {arguments[0]}` did not answer within {seconds:.0f} s"
    except FileNotFoundError:
        return 1, "", "there is no docker command"
    return done.returncode, done.stdout, " ".join(done.stderr.split())
