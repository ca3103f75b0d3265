import subprocess
from pathlib import Path


def run(*command: str, folder: Path | None = None) -> str:
    """Run a command and return what it printed; what it said is the message if it failed."""
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done.stdout
