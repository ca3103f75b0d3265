import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.dev import free_port, postgres

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "tutorial.md").read_text(encoding="utf-8")
# Commands, and what they answer, where that follows.
STEPS = re.findall(r"^```sh\n(.*?)^```\n\n```(?:json|text)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
ADDRESS = "http://localhost:8000"
# What is another's on each machine, or at each time.
OTHERS = re.compile(r'"(server_id|version)":"[^"]*"|"created_at":"20(?!24-01-01)[^"]*"')
END = "-- end of step --"


@pytest.fixture
def address() -> Iterator[str]:
    """Run what `make dev` runs, on a port of its own, until it answers."""
    address = f"http://localhost:{free_port()}"
    with postgres.folder() as folder:
        folder.chmod(0o711)
        own = {"USERS_API_PORT": address.rpartition(":")[2], "TMPDIR": str(folder)}
        with subprocess.Popen(
            [sys.executable, "-m", "service.dev"], env={**os.environ, **own}, stdout=subprocess.DEVNULL
        ) as process:
            while not _answers(address):
                assert process.poll() is None
            yield address
            process.terminate()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz", timeout=2) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False


def test_the_commands_of_the_tutorial_answer_as_it_says(address: str) -> None:
    """All its commands, one after another in one shell, answer what stands below each; names and times may differ."""
    assert len(STEPS) == PAGE.count("```sh") > 5
    script = "".join(f"{commands}\nprintf '\\n%s\\n' '{END}'\n" for commands, _ in STEPS)
    ended = subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", script.replace(ADDRESS, address)],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    answers = [answer.strip() for answer in ended.stdout.split(END)][: len(STEPS)]
    assert [OTHERS.sub("", answer) for answer in answers] == [OTHERS.sub("", said.strip()) for _, said in STEPS]


def test_make_dev_runs_the_same() -> None:
    """The service that the tutorial's commands are tried on is what `make dev` starts."""
    (recipe,) = re.findall(r"^dev: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert recipe.split() == ["$(BIN)/python", "-m", "service.dev"]
