from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

COMPONENTS = Path(__file__).resolve().parent.parent / "components"


@dataclass(frozen=True)
class Group:
    """Packages compiled in one step.

    Attributes:
        name: of the step.
        packages: binary name to Go package.
        about: how long a first build takes on two cores.
        tags: Go build tags.
        needed_for_nodes: the nodes cannot start without them; the others are add-ons.
        pinned_in: the folder of the go.mod that says which versions.
        trimmed: a Go module, and what copies its source to a folder with changes before it is compiled.
    """

    name: str
    packages: dict[str, str]
    about: str
    tags: str = ""
    needed_for_nodes: bool = True
    pinned_in: Path = COMPONENTS
    trimmed: tuple[str, Callable[[Path, Path], None]] | None = None
