"""Pull or build: which way the cluster comes up, and why. A cluster stays what it was made as."""

from collections.abc import Callable
from dataclasses import dataclass

from k8s.cluster import docker
from k8s.cluster.steps import StepError

PULL, BUILD, AUTO = "pull", "build", "auto"
MODES = (AUTO, PULL, BUILD)
_MADE = {PULL: "of published images", BUILD: "of images built here"}


@dataclass(frozen=True)
class Choice:
    """A mode, and why it is that one."""

    mode: str
    reason: str


def choose(asked: str, made: str, why_not_pulled: Callable[[], str], *, can_build: bool) -> Choice:
    """Return the mode.

    Args:
        asked: pull, build, or auto.
        made: what the cluster there was made by; empty without a cluster.
        why_not_pulled: has the engine pull an image, and says why it cannot; is asked only where the answer decides.
        can_build: this host has what building takes, or installs it by itself.

    Raises:
        StepError: it is the user's to say, or another than the cluster's was asked for.
    """
    if made:
        refuse_another(asked, made)
        return Choice(made, f"the cluster there is made {_MADE[made]}")
    if asked != AUTO:
        return Choice(asked, f"as MODE={asked} says")
    trouble = why_not_pulled()
    if not trouble:
        return Choice(PULL, "docker pulls images here")
    if can_build and not docker.reaches_a_registry(trouble):
        return Choice(BUILD, f"docker pulls no images here: {trouble} (MODE=pull tries all the same)")
    message = (
        f"docker pulls no images here: {trouble}\n"
        f"  - {docker.remedy(trouble)}\n"
        "  - or say `make MODE=build ...`: everything is then built from source, which takes half an hour, Debian 12 "
        "as root (or its packages) and Go; or MODE=pull, to try all the same"
    )
    raise StepError(message)


def refuse_another(asked: str, made: str) -> None:
    """Raise where a cluster there was made by another mode than the one asked for.

    Raises:
        StepError: names both, and the way from one to the other.
    """
    if made and asked not in (AUTO, made):
        message = (
            f"MODE={asked}, but the cluster there is made {_MADE[made]}, and a cluster stays what it is: "
            f"`make kind-down` first, or leave MODE out"
        )
        raise StepError(message)
