"""The container registry, compiled from its module: on loopback, and where nodes reach this host."""

import json
import os
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from k8s.client.waiting import wait_until
from k8s.cluster.group import Group

GROUP = Group("the registry", {"registry": "./"}, "1 min", pinned_in=Path(__file__).with_name("registry"))
_END_SECONDS = 10


@dataclass(frozen=True)
class Registry:
    """A registry with its images in a folder.

    Attributes:
        program: the compiled one.
        folder: its storage, its configuration and, for each address, its log.
    """

    program: Path
    folder: Path
    port: int

    @contextmanager
    def serving(self, *addresses: str) -> Iterator[None]:
        """Serve on each of these addresses of this host while the block runs: one process each, of one storage."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            for address in addresses:
                stack.enter_context(self._process(address))
            yield

    def log(self, address: str) -> Path:
        """Return the log of what was asked for at an address."""
        return self.folder / f"{address}.log"

    def asked(self, address: str) -> str:
        """Return what was asked for at an address since it began."""
        return self.log(address).read_text(encoding="utf-8")

    def configuration(self, address: str) -> str:
        """Return the configuration for an address, as JSON, which is YAML too."""
        return json.dumps(
            {
                "version": "0.1",
                "log": {"accesslog": {"disabled": False}, "level": "warn"},
                "storage": {"filesystem": {"rootdirectory": str(self.folder / "storage")}},
                "http": {"addr": f"{address}:{self.port}"},
            }
        )

    @contextmanager
    def _process(self, address: str) -> Iterator[None]:
        file = self.folder / f"{address}.json"
        file.write_text(self.configuration(address), encoding="utf-8")
        environment = {**os.environ, "OTEL_TRACES_EXPORTER": "none"}
        self.log(address).unlink(missing_ok=True)
        with self.log(address).open("ab") as log:  # to be emptied meanwhile
            process = subprocess.Popen((self.program, "serve", file), stdout=log, stderr=log, env=environment)
        try:
            wait_until(lambda: self._answers(process, address), bool, _END_SECONDS, f"a registry at {address}")
            yield
        finally:
            process.terminate()
            process.wait(_END_SECONDS)

    def _answers(self, process: subprocess.Popen[bytes], address: str) -> bool:
        assert process.poll() is None, self.asked(address)
        try:
            with urllib.request.urlopen(f"http://{address}:{self.port}/v2/", timeout=_END_SECONDS):
                return True
        except OSError:
            return False
