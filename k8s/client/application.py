"""What the tools have to know of an application: of the users API unless an `app.yaml` says otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from k8s.client.errors import ApplicationError

USERS = "/api/users"
USER = f"{USERS}/{{id}}"
PROMETHEUS = "monitoring/prometheus:9090"


@dataclass(frozen=True)
class Write:
    """A request that changes something."""

    path: str
    method: str = "POST"
    body: Any = None
    """JSON. In it and in the path `{unique}` becomes a text that no other request has."""


@dataclass(frozen=True)
class Replica:
    """Where a client is told which replica answers."""

    path: str
    field: str
    """Of the JSON that is answered."""


@dataclass(frozen=True)
class Metrics:
    """Names of the series that the application's pods are scraped for."""

    requests: str | None = None
    status: str | None = None
    duration: str | None = None
    prefix: str | None = None


@dataclass(frozen=True)
class Application:
    """A release, how it is reached, and what it has that a tool can look at; None: it has none of that."""

    namespace: str
    release: str
    deployment: str = ""
    prometheus: str = PROMETHEUS
    url: str | None = None
    token: str | None = None
    """Of the client that asks; `$NAME` stands for a variable of the environment."""
    read: str | None = None
    ids: int = 1
    write: Write | None = None
    limited: str | None = None
    """A second token, with a small rate limit of its own."""
    cache: str | None = None
    replica: Replica | None = None
    burn: str | None = None
    metrics: Metrics = field(default_factory=Metrics)
    file: str = ""
    """Where that is written; empty: it is the users API."""

    def lacks(self, *keys: str) -> str:
        """Say why what needs these keys does not apply, and which key would make it apply; empty: it does apply."""
        missing = next((key for key in keys if not _value(self, key)), None)
        if missing is None:
            return ""
        return f"does not apply: {self.file or 'the users API'} says nothing of {missing}, {MEANINGS[missing]}"

    @property
    def is_users_api(self) -> bool:
        """Whether what is written there are users, which tools know how to read again."""
        return self.write == USERS_API.write

    def secret(self, key: str, environment: Mapping[str, str]) -> str:
        """Give a token as it is sent; empty: none is.

        Raises:
            ApplicationError: it is in a variable that is not set.
        """
        written = str(_value(self, key) or "")
        if not written.startswith("$"):
            return written
        if found := environment.get(written[1:]):
            return found
        raise ApplicationError(
            f"{self.file}: {key} is {written}, and the environment has no {written[1:]}: "
            f"export {written[1:]}=..., or leave {key} out where none is needed"
        )


def _value(application: Application, key: str) -> Any:  # noqa: ANN401 - of the key's type
    try:
        return attrgetter(key)(application)
    except AttributeError:  # of what is not there at all
        return None


# Each key of `app.yaml`, and what it is.
MEANINGS = {
    "namespace": "where the release is",
    "release": "its name, as `helm list` has it",
    "deployment": "which of its Deployments, where it has several of component `api`, or none with the chart's labels",
    "prometheus": "the Service of Prometheus as namespace/name:port",
    "url": "where a client reaches it, and what each path below is put behind",
    "token": "what is sent as `Authorization: Bearer`; `$NAME` takes it from the environment",
    "read": "the path that loads read, answered with 200; `{id}` in it becomes a number from 1 to `ids`",
    "ids": "how many things there are to read",
    "write.path": "the path that a write goes to",
    "write.method": "its method",
    "write.body": "its JSON; `{unique}` in it, or in the path, becomes a text that no other request has",
    "limited": "the token, or `$NAME`, of a client with a small rate limit that `RateLimit-Policy` tells",
    "cache": "the header that tells which cache an answer comes from: L1, L2, STALE or MISS",
    "replica.path": "a path whose JSON names the pod that answers",
    "replica.field": "the name that the pod has in it",
    "burn": "a path that takes CPU for so many `{milliseconds}`",
    "metrics.requests": "the counter of its requests",
    "metrics.status": "the label that has their status",
    "metrics.duration": "the histogram of their times, without `_bucket`",
    "metrics.prefix": "what the names of its own metrics begin with: those of cache, limiter, Redis and database",
}

USERS_API = Application(
    namespace="users-api",
    release="users-api",
    url="http://localhost:8080",
    token="test-token",  # noqa: S106 - accepted in development only
    read=USER,
    ids=1000,
    write=Write(USERS, body={"name": "Ada", "email": "{unique}@example.com"}),
    limited="limited-token",
    cache="X-Cache",
    replica=Replica("/api/health", "server_id"),
    burn="/api/faults/cpu?milliseconds={milliseconds}",
    metrics=Metrics("http_requests_total", "status", "http_request_duration_seconds", "users_api_"),
)
