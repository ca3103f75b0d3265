import os
import subprocess
import sys
from pathlib import Path

TEST = "tests/unit/settings/test_settings.py::test_development_knows_the_test_token"


def test_settings_of_the_shell_change_no_test() -> None:
    """A developer whose shell has settings for the service sees the tests pass all the same."""
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", TEST)
    environment = {**os.environ, "USERS_API_STATIC_TOKENS": "[]", "USERS_API_PORT": "none"}
    root = Path(__file__).parents[2]
    done = subprocess.run(command, cwd=root, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
