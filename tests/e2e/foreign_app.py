"""The application of the chart's README that is not the users API: its files and commands, as they stand there."""

import os
import re
import shlex
import subprocess
from pathlib import Path

from tests.e2e.controller import controller
from tests.e2e.helm import CONTEXT
from tests.e2e.load import BASE_URL
from tests.e2e.release import image_tag

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "chart" / "README.md"
SECTION = "### From an empty folder to Ready\n"
# By the language of their block.
FILES = {"python": "shop.py", "dockerfile": "Dockerfile", "yaml": "shop.yaml"}
NAME = "shop"
URL = BASE_URL.replace("localhost", "shop.localhost")
# In place of Python and packages from the net, which not every machine reaches: those of the service, without its code.
PUBLISHED = re.compile(r"FROM python:.*\nRUN pip install .*\n")
INSTALLED = """FROM localhost/users-api:{tag}
USER root
RUN rm -rf /opt/app
ENV PYTHONPATH=
WORKDIR /
ENTRYPOINT []
"""


def blocks() -> dict[str, str]:
    """Give the blocks of the section by their language."""
    section = README.read_text(encoding="utf-8").split(SECTION)[1].split("\n### ")[0]
    found = re.findall(r"```(\w+)\n(.*?)```", section, re.DOTALL)
    assert sorted(language for language, _ in found) == sorted([*FILES, "sh"])
    return dict(found)


def lay_out(folder: Path) -> Path:
    """Write the files into an empty folder beside the repository's, with this cluster's own image and controller."""
    (folder / "users-api").symlink_to(ROOT)
    shop = folder / NAME
    shop.mkdir()
    written = blocks()
    for language, name in FILES.items():
        (shop / name).write_text(written[language], encoding="utf-8")
    dockerfile, values = shop / "Dockerfile", shop / "shop.yaml"
    changed, count = PUBLISHED.subn(INSTALLED.format(tag=image_tag()), dockerfile.read_text(encoding="utf-8"))
    assert count == 1
    dockerfile.write_text(changed, encoding="utf-8")
    of_cluster = f"controller: {controller().counts} }}"
    text = values.read_text(encoding="utf-8")
    assert text.count("controller: envoy }") == 1
    values.write_text(text.replace("controller: envoy }", of_cluster), encoding="utf-8")
    return shop


def commands() -> list[list[str]]:
    """Give the commands, word by word."""
    return [shlex.split(command) for command in blocks()["sh"].replace("\\\n", " ").splitlines()]


def bring_up(folder: Path) -> None:
    """Run the commands in the folder, on the local cluster."""
    environment = {**os.environ, "HELM_KUBECONTEXT": CONTEXT, "DOCKER_BUILDKIT": "0"}
    for command in commands():
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{shlex.join(command)}\n{done.stdout}{done.stderr}"
