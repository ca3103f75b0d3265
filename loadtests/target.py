import http.client
import os
import ssl
import time
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from urllib.parse import SplitResult, urlsplit

from k8s.client.application import USER
from loadtests.errors import LoadTestError
from loadtests.trust import explain, trust

REMEDY = (
    "start one (`make kind-up image install`, or `make dev` and BASE_URL=http://localhost:8000); app.yaml names another"
)
_NOT_LET_IN = "set TOKEN, or token of app.yaml, to one that may read it; test-token is accepted in development only"
_REMEDIES: dict[int, str] = {
    HTTPStatus.BAD_REQUEST: f"a port that speaks TLS says so too: give it as https://; else {REMEDY}",
    HTTPStatus.UNAUTHORIZED: _NOT_LET_IN,
    HTTPStatus.FORBIDDEN: _NOT_LET_IN,
    HTTPStatus.NOT_FOUND: f"something else listens there, or the Ingress has no route; {REMEDY}",
    HTTPStatus.TOO_MANY_REQUESTS: "its rate limit is used up; raise config.rateLimit.requests, as "
    "chart/values-kind.yaml does, or wait",
}
TIMEOUT_SECONDS = 5
# ingress-nginx looks at pods every 3.3 s at most (its --sync-rate-limit), and its workers each second after that.
PATIENCE_SECONDS = 15.0
_OF_THE_WAY_IN = {HTTPStatus.BAD_GATEWAY, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.GATEWAY_TIMEOUT}


@dataclass(frozen=True)
class Reply:
    """What was answered."""

    status: int
    headers: Message
    body: bytes


def parse(base_url: str) -> SplitResult:
    """Split BASE_URL, whose path is what all others begin with.

    Raises:
        LoadTestError: it is no URL that paths can be added to.
    """
    try:
        url = urlsplit(base_url)
        port_is_one = url.port != 0
    except ValueError:
        url, port_is_one = urlsplit(""), False
    usable = url.scheme in {"http", "https"} and url.hostname and port_is_one and " " not in base_url
    if not usable or url.query or url.fragment or url.username is not None:
        raise LoadTestError(
            f"BASE_URL is {base_url!r}: give it as http://host:port, or with https:// or a path, and nothing else"
        )
    return url


def get(base_url: str, path: str, token: str, timeout_seconds: float = TIMEOUT_SECONDS) -> Reply:
    """Ask once for a path below BASE_URL, trusting whom k6 trusts; without a token if that is empty.

    Raises:
        LoadTestError: the URL is none, nothing answers, or its certificate is not trusted.
    """
    url = parse(base_url)
    connection = (
        http.client.HTTPSConnection(url.hostname or "", url.port, timeout=timeout_seconds, context=trust(os.environ))
        if url.scheme == "https"
        else http.client.HTTPConnection(url.hostname or "", url.port, timeout=timeout_seconds)
    )
    headers = {"authorization": f"Bearer {token}"} if token else {}
    try:
        connection.request("GET", url.path.rstrip("/") + path, headers=headers)
        response = connection.getresponse()
        return Reply(response.status, response.headers, response.read())
    except ssl.SSLError as error:
        raise LoadTestError(explain(error, base_url)) from error
    except (OSError, http.client.HTTPException) as error:
        raise LoadTestError(f"no service answers at {base_url} ({error or type(error).__name__}): {REMEDY}") from error
    finally:
        connection.close()


def require_answer(base_url: str, token: str, read: str = USER) -> None:
    """Read what a load will read, so that a load test never measures an address where nobody serves.

    A way in that knows no pod of its own yet has some seconds to learn of them.

    Raises:
        LoadTestError: as of `get`, or its status is another than 200.
    """
    path = read.replace("{id}", "1")
    end = time.monotonic() + PATIENCE_SECONDS
    while (reply := get(base_url, path, token)).status in _OF_THE_WAY_IN and time.monotonic() < end:
        time.sleep(0.5)
    if reply.status != HTTPStatus.OK:
        raise LoadTestError(f"{base_url.rstrip('/')}{path} answers {reply.status}: {_remedy(reply)}")


def _remedy(reply: Reply) -> str:
    if "location" in reply.headers:
        return f"it sends on to {reply.headers['location']}: give BASE_URL as what answers itself"
    if reply.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return "see its pods: `kubectl get pods` in the release's namespace"
    return _REMEDIES.get(reply.status, f"a load reads what is answered with 200; {REMEDY}")
