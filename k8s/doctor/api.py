import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from kubernetes import config
from kubernetes.config import ConfigException

from k8s.client.api import get, parsed, proxy
from k8s.client.errors import ClusterError, NoAnswerError

TIMEOUT_SECONDS = 10
# prometheus.monitoring.svc, prometheus.monitoring.svc.cluster.local: reached through the API server.
SERVICE = re.compile(r"(?P<name>[a-z0-9-]+)\.(?P<namespace>[a-z0-9-]+)\.svc(\.[a-z0-9.-]+)?")


class Api(Protocol):
    """The cluster's API server, or a record of one."""

    def get(self, path: str) -> Any:  # noqa: ANN401 - JSON of any shape
        """Return the JSON that a path answers, or that a URL outside the cluster does.

        Raises:
            NoAnswerError: anything but an answer of status 200.
        """


def with_query(path: str, **parameters: str) -> str:
    """Return a path with its parameters encoded."""
    return f"{path}?{urllib.parse.urlencode(parameters)}"


def through_api_server(url: str) -> str:
    """Return the API server's path to a Service of the cluster that a URL names; any other URL as it is."""
    parts = urllib.parse.urlsplit(url)
    found = SERVICE.fullmatch(parts.hostname or "")
    if not found:
        return url.rstrip("/")
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return proxy(f"{found['namespace']}/{parts.scheme}:{found['name']}:{port}") + parts.path.rstrip("/")


class ClusterApi:
    """The API server that a kubeconfig's context names."""

    def __init__(self, context: str) -> None:
        try:
            self._client: Any = config.new_client_from_config(context=context)  # type: ignore[no-untyped-call]
            self.get("/version")
        except (ConfigException, NoAnswerError) as error:
            reason = error.said if isinstance(error, NoAnswerError) else error
            message = (
                f"no cluster answers at context {context} ({reason}): `kubectl config get-contexts` lists all; "
                "--context (CONTEXT= of make) names another"
            )
            raise ClusterError(message) from error

    def get(self, path: str) -> Any:  # noqa: ANN401
        """See Api."""
        return _from(path) if path.startswith("http") else get(self._client, path, timeout_seconds=TIMEOUT_SECONDS)


def _from(url: str) -> Any:  # noqa: ANN401
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as response:  # noqa: S310 - http(s) by its caller
            return parsed(response.status, response.read())
    except urllib.error.HTTPError as error:
        with error:
            return parsed(error.code, error.read())
    except OSError as error:
        raise NoAnswerError(0, str(error)) from error


class Recorder:
    """An Api that keeps what another answered, for a test or a report."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self.answers: dict[str, Any] = {}

    def get(self, path: str) -> Any:  # noqa: ANN401
        """See Api."""
        try:
            answer = self._api.get(path)
        except NoAnswerError as error:
            self.answers[path] = {"no_answer": {"status": error.status, "message": error.said}}
            raise
        self.answers[path] = answer
        return answer

    def write(self, file: Path, now_s: float) -> None:
        """Write the answers, and when they were given."""
        file.parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"now_s": now_s, "answers": self.answers}, indent=1)
        file.write_text(text + "\n", encoding="utf-8")


class Recorded:
    """An Api that answers what a Recorder kept."""

    def __init__(self, answers: Mapping[str, Any]) -> None:
        self._answers = answers

    def get(self, path: str) -> Any:  # noqa: ANN401
        """See Api; a path that was not recorded is an error of the caller."""
        answer = self._answers[path]
        if isinstance(answer, dict) and "no_answer" in answer:
            raise NoAnswerError(answer["no_answer"]["status"], answer["no_answer"]["message"])
        return answer
