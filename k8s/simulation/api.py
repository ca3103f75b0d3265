import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from k8s.cluster.steps import StepError

NODE = "node-{:04}"
# Zones that nodes are spread over, in turn.
ZONES = 3
CALL_SECONDS = 30


class ApiError(StepError):
    """The API server refused a call."""


class Api:
    """The API server as plain JSON: a watch of 10,000 pods costs a tenth of what typed objects do."""

    def __init__(self, url: str, authority: Path, token: str) -> None:
        self._client = httpx.Client(
            base_url=url,
            verify=ssl.create_default_context(cafile=str(authority)),
            headers={"authorization": f"Bearer {token}"},
            timeout=CALL_SECONDS,
        )

    def close(self) -> None:
        """Close the connections; a watch that is open ends."""
        self._client.close()

    def is_ready(self) -> bool:
        """Tell whether the API server answers and is ready."""
        try:
            return self._client.get("/readyz").is_success
        except httpx.TransportError:
            return False

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON
        """Read an object or a list.

        Raises:
            ApiError: it was refused; the message is the server's.
        """
        return self._call("GET", path)

    def create(self, path: str, manifest: dict[str, Any]) -> Any:  # noqa: ANN401 - JSON
        """Create an object in the collection at `path`; raises an ApiError when refused."""
        return self._call("POST", path, manifest)

    def delete(self, path: str) -> None:
        """Delete the object at `path`; raises an ApiError when refused."""
        self._call("DELETE", path, {"propagationPolicy": "Background"})

    def create_nodes(self, count: int, cpu: int) -> None:
        """Create `count` nodes of `cpu` cores each, spread over three zones, with room for 110 pods each."""
        capacity = {"cpu": str(cpu), "memory": f"{4 * cpu}Gi", "pods": "110"}
        for number in range(count):
            name = NODE.format(number)
            labels = {
                "kubernetes.io/hostname": name,
                "kubernetes.io/os": "linux",
                "topology.kubernetes.io/zone": f"zone-{number % ZONES}",
            }
            self.create(
                "/api/v1/nodes",
                {
                    "apiVersion": "v1",
                    "kind": "Node",
                    "metadata": {"name": name, "labels": labels},
                    "status": {"allocatable": capacity, "capacity": capacity},
                },
            )

    def watch(self, path: str, seen: Callable[[str, Any], None], stop: threading.Event) -> threading.Thread:
        """Hand what there is and every change of it to `seen` as (type, object), from a thread, until `stop` is set."""
        listed = self.get(path)
        for item in listed["items"]:
            seen("ADDED", item)
        thread = threading.Thread(
            target=self._follow, args=(path, listed["metadata"]["resourceVersion"], seen, stop), daemon=True
        )
        thread.start()
        return thread

    def _follow(self, path: str, version: str, seen: Callable[[str, Any], None], stop: threading.Event) -> None:
        while not stop.is_set():
            try:
                for kind, item in self._events(path, version):
                    version = item["metadata"]["resourceVersion"]
                    if kind != "BOOKMARK":
                        seen(kind, item)
                    if stop.is_set():
                        return
            except (httpx.HTTPError, RuntimeError):  # the server or this client is going away, or a read timed out
                time.sleep(0.1)

    def _events(self, path: str, version: str) -> Iterator[tuple[str, Any]]:
        query = {"watch": "1", "allowWatchBookmarks": "true", "resourceVersion": version}
        with self._client.stream("GET", path, params=query, timeout=httpx.Timeout(CALL_SECONDS, read=5)) as lines:
            for line in lines.iter_lines():
                event = json.loads(line)
                yield event["type"], event["object"]

    def _call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:  # noqa: ANN401 - JSON
        answer = self._client.request(method, path, json=body)
        if not answer.is_success:
            message = f"{method} {path}: {answer.status_code}: {answer.text[:500]}"
            raise ApiError(message)
        return answer.json()
