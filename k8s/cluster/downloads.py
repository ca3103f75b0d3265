"""Fetches a file of the internet by its checksum."""

import hashlib
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path

from k8s.cluster.steps import StepError

ATTEMPTS = 3
_SILENCE_SECONDS = 30
_CHUNK_BYTES = 1 << 20


class DownloadError(StepError):
    """A file could not be fetched; the message says why, and what to do."""


def fetch(url: str, target: Path, *, sha256: str) -> None:
    """Write what is at `url` to `target`, if it is what the checksum is of.

    Raises:
        DownloadError: it cannot be fetched.
        StepError: it is another file than the checksum is of.
    """
    found = fetch_any(url, target)
    if found != sha256:
        target.unlink()
        message = (
            f"{url} is another file than was pinned: its SHA-256 is {found}, and {sha256} is right. "
            "Nothing of it was used. Something between may have changed it, such as a proxy's page"
        )
        raise StepError(message)


def fetch_any(url: str, target: Path) -> str:
    """Write what is at `url` to `target`, for the caller to check; returns its SHA-256.

    Raises:
        DownloadError: it cannot be fetched.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    return _try(url, lambda: _download(url, target))


def text(url: str) -> str:
    """Return the text at `url`.

    Raises:
        DownloadError: it cannot be fetched.
    """

    def read() -> str:
        with _open(url) as answer:
            return str(answer.read().decode())

    return _try(url, read)


def _download(url: str, target: Path) -> str:
    digest = hashlib.sha256()
    with _open(url) as answer, target.open("wb") as stream:
        while chunk := answer.read(_CHUNK_BYTES):
            digest.update(chunk)
            stream.write(chunk)
    return digest.hexdigest()


def _open(url: str) -> HTTPResponse:
    if not url.startswith(("https://", "http://127.0.0.1:")):
        message = f"{url} is no https address"
        raise StepError(message)
    try:
        answer: HTTPResponse = urllib.request.urlopen(url, timeout=_SILENCE_SECONDS)  # noqa: S310 - see above
    except urllib.error.HTTPError as error:
        error.close()  # it is the answer too, and would keep the connection
        raise
    return answer


def _try(url: str, action: Callable[[], str]) -> str:
    for attempt in range(1, ATTEMPTS + 1):
        try:
            return action()
        except (OSError, HTTPException) as error:
            if attempt == ATTEMPTS or isinstance(error, urllib.error.HTTPError):
                message = f"cannot fetch {url}: {error}\n  - {_remedy(error)}"
                raise DownloadError(message) from error
    raise AssertionError


def _remedy(error: Exception) -> str:
    if isinstance(getattr(error, "reason", None), ssl.SSLError):
        return (
            "this Python trusts no certificate of it: run its `Install Certificates.command` on macOS, or name your "
            "company's authority in SSL_CERT_FILE"
        )
    return "see whether this host reaches it; behind a proxy, set https_proxy"
