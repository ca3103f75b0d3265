"""Projects that Copier makes of the template, from a repository on disk and without a network."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from copier import run_copy

ROOT = Path(__file__).resolve().parents[1]
ANSWERS = ".copier-answers.yml"
_WHO = {"NAME": "Ada", "EMAIL": "ada@example.com"}
# Names that somebody may give a project, and what Kubernetes then gets.
STRANGE = {
    "Web Shop": "web-shop",
    "web_shop": "web-shop",
    "SHOP": "shop",
    "3D Shop": "app-3d-shop",
    "  -- Shop & Söhne's #1: [a, b] %d $HOME -- ": "shop-s-hne-s-1-a-b-d-home",
    "店": "app",
    "Магазин": "app",
    "ingress": "my-ingress",
    "null": "null",
    "A name that is as long as any that a project of ours may be?": "a-name-that-is-as-long-as-any-that-a-pro",
    f"{'x' * 39} y": "x" * 39,
}


def run(
    *command: str | Path, cwd: Path, check: bool = True, more: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a command, with more variables, as somebody whose git knows who they are and nothing else."""
    known = {f"GIT_{role}_{key}": value for role in ("AUTHOR", "COMMITTER") for key, value in _WHO.items()}
    alone = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    environment = {**os.environ, **known, **alone, **(more or {})}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True, check=False)
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
    return done


def commit(repository: Path, tag: str = "") -> None:
    """Keep what a folder has, in a repository that is begun if there is none."""
    if not (repository / ".git").exists():
        run("git", "init", "--quiet", "--initial-branch=main", cwd=repository)
    run("git", "add", "--all", cwd=repository)
    run("git", "commit", "--quiet", "--message=Keep it", cwd=repository)
    if tag:
        run("git", "tag", tag, cwd=repository)


def lay_out(repository: Path) -> Path:
    """Make a repository of what Copier reads of this one."""
    shutil.copytree(
        ROOT / "k8s" / "template", repository / "k8s" / "template", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "copier.yml", repository)
    commit(repository, "v1.0.0")
    return repository


def make_project(repository: Path, project: Path, **answers: str) -> Path:
    """Make a project with these answers, and the default where there is none."""
    run_copy(str(repository), project, data=answers, defaults=True, quiet=True)
    return project
