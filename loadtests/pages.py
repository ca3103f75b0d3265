"""`python -m loadtests.pages`: lay out what the site is built of, as `make site` does.

The pages are those of docs, and those that stand beside what they are about. Each link between two of them leads to the
page, and any other link to a file of the repository leads there. A link to nothing is left as it is, for
`zensical build --strict` to refuse.
"""

import os
import re
import shutil
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
# Pages that are found elsewhere than in docs, by where they are on the site.
ELSEWHERE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "chart/README.md": "chart.md",
    "k8s/README.md": "local-cluster.md",
}
_FENCED = re.compile(r"(^ *```.*?^ *```$)", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s#]+)(#[^)\s]*)?\)")


def sources(root: Path) -> dict[str, str]:
    """Name each file of the site by its path in the repository, with its path on the site."""
    own = (path for path in sorted((root / "docs").rglob("*")) if path.is_file())
    return {
        **{path.relative_to(root).as_posix(): path.relative_to(root / "docs").as_posix() for path in own},
        **ELSEWHERE,
    }


def linked(text: str, source: str, root: Path, repository: str) -> str:
    """Return a page with each of its links as it is on the site.

    Args:
        text: the page.
        source: its path in the repository.
        root: the repository.
        repository: the address at which people see it.
    """
    places = sources(root)

    def place(found: re.Match[str]) -> str:
        link, heading = found[1], found[2] or ""
        target = os.path.normpath(Path(source).parent / link)
        # A folder's page is its README.
        page = next((name for name in (target, f"{target}/README.md") if name in places), None)
        if page:
            return f"]({os.path.relpath(places[page], Path(places[source]).parent)}{heading})"
        if "://" in link or not (root / target).exists():
            return found[0]
        return f"]({repository}/{'tree' if (root / target).is_dir() else 'blob'}/main/{target}{heading})"

    parts = _FENCED.split(text)
    parts[::2] = [_LINK.sub(place, part) for part in parts[::2]]
    return "".join(parts)


def lay_out(root: Path, folder: Path, repository: str) -> None:
    """Write all files of the site into a folder, and leave nothing else there."""
    shutil.rmtree(folder, ignore_errors=True)
    for source, place in sources(root).items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".md":
            path.write_text(
                linked((root / source).read_text(encoding="utf-8"), source, root, repository), encoding="utf-8"
            )
        else:
            shutil.copyfile(root / source, path)


def main() -> int:
    """Lay out what zensical.toml asks for; returns the exit status."""
    project = tomllib.loads((ROOT / "zensical.toml").read_text(encoding="utf-8"))["project"]
    lay_out(ROOT, ROOT / project["docs_dir"], project["extra"]["repository"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
