"""Copies a module's source, for it to be changed before it is compiled."""

import shutil
from pathlib import Path


def copy(module: Path, target: Path, *ignored: str) -> None:
    """Copy a module to `target` without its tests and without what matches `ignored`; replaces what is there."""
    shutil.rmtree(target, ignore_errors=True)
    patterns = shutil.ignore_patterns("*_test.go", "testdata", *ignored)
    shutil.copytree(module, target, ignore=patterns, copy_function=shutil.copyfile)
    for folder in [target, *filter(Path.is_dir, target.rglob("*"))]:
        folder.chmod(0o755)  # the module cache is read-only, and copytree copies that
