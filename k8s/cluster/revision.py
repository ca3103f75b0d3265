"""The commit that is checked out, as images and reports name it."""

import shutil
import subprocess
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]


def revision(root: Path = _ROOT) -> str:
    """Return the commit, with `-dirty` behind it where files differ from it; `unknown` outside a git checkout.

    Documents do not count: measurements write their figures there, and nothing that is measured depends on them.
    """
    if shutil.which("git") is None:
        return "unknown"
    commit = _git(root, "rev-parse", "--short=12", "HEAD")
    if commit.returncode:
        return "unknown"
    changed = _git(root, "diff", "--quiet", "HEAD", "--", ".", ":(exclude)docs").returncode
    return commit.stdout.strip() + ("-dirty" if changed else "")


def _git(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("git", *arguments), cwd=root, capture_output=True, text=True, check=False)
