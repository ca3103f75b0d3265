import ssl
from pathlib import Path
from urllib.error import HTTPError, URLError

import pytest

from k8s.cluster import downloads
from k8s.cluster.steps import StepError
from tests.unit.k8s.cluster.doubles import published


def test_what_is_not_there_is_told_by_its_address(tmp_path: Path) -> None:
    """An answer that is none is not tried again, and keeps no connection."""
    with published({}) as (url, asked):
        with pytest.raises(downloads.DownloadError, match=rf"cannot fetch {url}/kind: HTTP Error 404") as told:
            downloads.fetch(f"{url}/kind", tmp_path / "kind", sha256="0")
        assert isinstance(told.value.__cause__, HTTPError)
        assert told.value.__cause__.closed
        assert asked == ["/kind"]


def test_a_host_that_cannot_be_reached_is_tried_again_and_told(tmp_path: Path) -> None:
    """The error says what a host behind a proxy is to set."""
    with published({}) as (url, _):
        pass
    with pytest.raises(downloads.DownloadError, match="https_proxy"):
        downloads.fetch(f"{url}/kind", tmp_path / "kind", sha256="0")


def test_a_python_that_trusts_nobody_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As python.org's on macOS, until its certificates are installed."""

    def refuse(*_: object, **__: object) -> None:
        raise URLError(ssl.SSLCertVerificationError("unable to get local issuer certificate"))

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    with pytest.raises(downloads.DownloadError, match=r"Install Certificates\.command.*SSL_CERT_FILE"):
        downloads.fetch("https://example.com/kind", tmp_path / "kind", sha256="0")


@pytest.mark.parametrize("url", ["http://example.com/kind", "file:///etc/passwd"])
def test_only_https_is_fetched(url: str) -> None:
    """Nobody between can read or change it."""
    with pytest.raises(StepError, match="is no https address"):
        downloads.text(url)
