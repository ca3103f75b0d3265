"""How a person installs something on this system: the words of a remedy."""

import os
import platform
import shutil

_DOCKER = {
    "apt-get": "sudo apt-get install docker.io, then sudo usermod -aG docker $USER, and log in again",
    "dnf": "sudo dnf install moby-engine, then sudo systemctl enable --now docker, sudo usermod -aG docker $USER, "
    "and log in again",
    "brew": "brew install --cask docker-desktop, and start Docker Desktop",
}
_START = {
    "Darwin": "start Docker Desktop, and wait until it says that the engine runs",
    "Linux": "sudo systemctl start docker",
}


def is_macos() -> bool:
    """Tell whether this is macOS, where the engine is in a virtual machine."""
    return platform.system() == "Darwin"


def is_debian_as_root() -> bool:
    """Tell whether packages can be installed here without a question: as in a container, or on a machine for tests."""
    return shutil.which("apt-get") is not None and os.geteuid() == 0


def install_docker() -> str:
    """Return what to type for a Docker engine."""
    return _by_installer(_DOCKER, "install a Docker engine, as https://docs.docker.com/engine/install says")


def start_docker() -> str:
    """Return what to type, or to click, for the engine to run."""
    return _START["Darwin" if is_macos() else "Linux"]


def find_listener(port: int) -> str:
    """Return what to type to see who has a port."""
    return f"lsof -nP -iTCP:{port} -sTCP:LISTEN" if is_macos() else f"ss -ltnp 'sport = :{port}'"


def _by_installer(words: dict[str, str], otherwise: str) -> str:
    if is_macos():
        return words["brew"]
    return next((said for installer, said in words.items() if shutil.which(installer)), otherwise)
