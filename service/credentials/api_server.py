"""The few calls of the Kubernetes API that are needed, as the pod's own ServiceAccount."""

import http.client
import json
import time
import urllib.error
import urllib.request
from http import HTTPStatus
from pathlib import Path
from typing import Any

from service.fleet.tls import client_context

ACCOUNT = Path("/var/run/secrets/kubernetes.io/serviceaccount")
ADDRESS = "https://kubernetes.default.svc"
_TIMEOUT_SECONDS = 10
# A fresh pod is let through by its NetworkPolicy some seconds after its start.
_ATTEMPTS = 30

Object = dict[str, Any]


class ApiError(Exception):
    """The API server refused a call, or could not be reached."""


class ApiServer:
    """Objects of the namespace that the ServiceAccount is in."""

    def __init__(self, address: str = ADDRESS, account: Path = ACCOUNT, pause_seconds: float = 1) -> None:
        self.namespace = (account / "namespace").read_text(encoding="utf-8").strip()
        self._token = (account / "token").read_text(encoding="utf-8").strip()
        self._tls = client_context(str(account / "ca.crt"))
        self._base = f"{address}/api/v1/namespaces/{self.namespace}"
        self._pause_seconds = pause_seconds

    def get(self, kind: str, name: str) -> Object | None:
        """Return the object of a kind (its plural) and name, or None."""
        status, answer = self._call("GET", f"{kind}/{name}")
        return None if status == HTTPStatus.NOT_FOUND else _checked(status, answer, f"read {kind}/{name}")

    def create(self, kind: str, body: Object) -> Object | None:
        """Create an object; None if there is one of its name."""
        status, answer = self._call("POST", kind, body)
        if status == HTTPStatus.CONFLICT:
            return None
        return _checked(status, answer, f"create {kind}/{body['metadata']['name']}")

    def patch(self, kind: str, name: str, change: Object) -> Object:
        """Merge a change into an object (RFC 7396); a resourceVersion in it refuses what somebody else has changed."""
        status, answer = self._call("PATCH", f"{kind}/{name}", change)
        return _checked(status, answer, f"change {kind}/{name}")

    def _call(self, method: str, path: str, body: Object | None = None) -> tuple[int, bytes]:
        """Ask until there is an answer that another attempt would not change."""
        request = urllib.request.Request(  # noqa: S310 - https, but for a test's own server
            f"{self._base}/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self._token}",
                "Accept": "application/json",
                "Content-Type": "application/merge-patch+json" if method == "PATCH" else "application/json",
                "User-Agent": "users-api-credentials",
            },
        )
        problem = ""
        for attempt in range(_ATTEMPTS):
            if attempt:
                time.sleep(self._pause_seconds)
            try:
                with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS, context=self._tls) as answer:  # noqa: S310
                    return answer.status, answer.read()
            except urllib.error.HTTPError as error:
                with error:
                    content = error.read()
                if error.code < HTTPStatus.INTERNAL_SERVER_ERROR and error.code != HTTPStatus.TOO_MANY_REQUESTS:
                    return error.code, content
                problem = f"{error.code} {error.reason}"
            except (OSError, http.client.HTTPException) as error:
                problem = str(error) or type(error).__name__
        raise ApiError(
            f"no answer from {self._base} in {_ATTEMPTS} attempts: {problem}; "
            "if a NetworkPolicy is in the way, set networkPolicy.apiServerPorts to the API server's ports"
        )


def _checked(status: int, answer: bytes, what: str) -> Object:
    if status >= HTTPStatus.BAD_REQUEST:
        try:
            reason = str(json.loads(answer)["message"])
        except (ValueError, KeyError, TypeError):
            reason = answer.decode(errors="replace")
        raise ApiError(f"cannot {what}: {status} {reason}")
    found: Object = json.loads(answer)
    return found
