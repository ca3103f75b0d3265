"""Which Python the service runs on: the one that its Dockerfile names, and no other place."""

import re
from pathlib import Path

_DOCKERFILE = Path(__file__).resolve().parents[2] / "Dockerfile"
_BASE = re.compile(r"^ARG BASE_IMAGE=(python:(\d+\.\d+)-slim-([a-z]+))$", re.MULTILINE)

PUBLISHED, VERSION, DEBIAN = _BASE.findall(_DOCKERFILE.read_text(encoding="utf-8"))[0]
"""The published image; the Python in it; and the release of Debian that it is of, whose own Python is that one too."""
