import http.client
import socket
from http import HTTPStatus
from urllib.parse import urlsplit

from loadtests.errors import LoadTestError

REMEDY = "start one (`make kind-up image install`, or `make dev` and BASE_URL=http://localhost:8000)"


def require_answer(base_url: str, token: str, timeout_seconds: float = 5) -> None:
    """Read one user, so that a load test never measures an address where nobody serves.

    Raises:
        LoadTestError: the URL is none, nothing answers, or it answers something else than a user.
    """
    url = urlsplit(base_url)
    if url.scheme not in {"http", "https"} or not url.hostname:
        raise LoadTestError(f"BASE_URL is {base_url!r}: give it as http://host:port")
    connect = http.client.HTTPSConnection if url.scheme == "https" else http.client.HTTPConnection
    connection = connect(url.hostname, url.port, timeout=timeout_seconds)
    try:
        path = f"{url.path.rstrip('/')}/api/users/1"
        connection.request("GET", path, headers={"authorization": f"Bearer {token}"})
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException, socket.gaierror) as error:
        raise LoadTestError(f"no service answers at {base_url} ({error}): {REMEDY}") from error
    finally:
        connection.close()
    if status != HTTPStatus.OK:
        raise LoadTestError(f"{base_url}{path} answers {status}: {_remedy(status)}")


def _remedy(status: int) -> str:
    match status:
        case HTTPStatus.UNAUTHORIZED | HTTPStatus.FORBIDDEN:
            return "set TOKEN to one that may read users; test-token is accepted in development only"
        case HTTPStatus.NOT_FOUND:
            return f"something else listens there, or the Ingress has no route; {REMEDY}"
        case HTTPStatus.TOO_MANY_REQUESTS:
            return "its rate limit is used up; raise config.rateLimit.requests, as chart/values-kind.yaml does, or wait"
        case _ if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return "see its pods: `kubectl --namespace users-api get pods`"
        case _:
            return f"that is no users API; {REMEDY}"
