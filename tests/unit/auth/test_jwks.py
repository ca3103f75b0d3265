import asyncio
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from service.auth import download
from service.auth import jwks as module
from service.auth.jwk import parse
from service.auth.jwks import KeySet
from tests.issuer import EC, RSA, SigningKey, ec_key, jwks
from tests.observe import until

pytestmark = pytest.mark.anyio


class Provider:
    """An identity provider that publishes keys over HTTP on loopback."""

    def __init__(self) -> None:
        self.document = jwks(RSA)
        self.status = 200
        self.speaks_http = True
        self.reads = 0
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.reads += 1
                if provider.speaks_http:
                    self.send_response(provider.status)
                else:
                    self.wfile.write(b"220 smtp.example.com ESMTP\r\n")
                self.end_headers()
                self.wfile.write(provider.document)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the document is."""
        return f"http://127.0.0.1:{self._server.server_port}/jwks"

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def provider() -> Iterator[Provider]:
    """Publish the RSA key."""
    provider = Provider()
    yield provider
    provider.stop()


async def test_keys_are_read_by_url(provider: Provider) -> None:
    """Known keys are found without asking the provider again."""
    keys = KeySet(provider.url, refresh_seconds=300)
    await keys.start()
    assert await keys.find("rsa-1") is not None
    assert await keys.find("rsa-1") is not None
    await keys.aclose()
    assert provider.reads == 1


async def test_a_rotation_needs_no_restart(tmp_path: Path) -> None:
    """A new key is known, and one taken out forgotten, within the refresh time."""
    document = tmp_path / "jwks.json"
    document.write_bytes(jwks(RSA))
    keys = KeySet(document, refresh_seconds=0.02)
    await keys.start()
    document.write_bytes(jwks(EC))
    await until(lambda: "ec-1" in keys._keys, 5)
    assert await keys.find("rsa-1") is None
    await keys.aclose()


async def test_an_unknown_key_has_the_document_read_at_once(
    provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first token of a new key is not refused until the next refresh, and many of them read the document once."""
    keys = KeySet(provider.url, refresh_seconds=300)
    await keys.start()
    provider.document = jwks(RSA, EC)
    monkeypatch.setattr(module, "MIN_INTERVAL_SECONDS", 0.0)
    found = await asyncio.gather(*(keys.find("ec-1") for _ in range(20)))
    await keys.aclose()
    assert None not in found
    assert provider.reads == 2


async def test_made_up_keys_do_not_flood_the_provider(provider: Provider) -> None:
    """Right after a reading, unknown key ids cause none."""
    keys = KeySet(provider.url, refresh_seconds=300)
    await keys.start()
    for number in range(100):
        assert await keys.find(f"made-up-{number}") is None
    await keys.aclose()
    assert provider.reads == 1


@pytest.mark.parametrize("fault", ["status", "protocol", "document", "depth", "length", "gone"])
async def test_keys_outlive_their_provider(provider: Provider, fault: str, caplog: pytest.LogCaptureFixture) -> None:
    """While the provider fails, in whichever way, the keys read before stay in force, and the log says so."""
    keys = KeySet(provider.url, refresh_seconds=0.02)
    await keys.start()
    match fault:
        case "status":
            provider.status = 500
        case "protocol":
            provider.speaks_http = False
        case "document":
            provider.document = b"<html>"
        case "depth":
            provider.document = b"[" * 100_000
        case "length":
            provider.document = b" " * (download.MAX_BYTES + 1)
        case _:
            provider.stop()
    await until(lambda: "can't be read" in caplog.text, 10)
    assert await keys.find("rsa-1") is not None
    await keys.aclose()


async def test_a_provider_may_start_later(tmp_path: Path) -> None:
    """The start does not fail without keys; they are known once the document is there."""
    document = tmp_path / "jwks.json"
    keys = KeySet(document, refresh_seconds=0.02)
    await keys.start()
    assert await keys.find("rsa-1") is None
    document.write_bytes(jwks(RSA))
    await until(lambda: "rsa-1" in keys._keys, 5)
    await keys.aclose()


async def test_closing_needs_no_start(tmp_path: Path) -> None:
    """A key set that was never started closes."""
    await KeySet(tmp_path / "jwks.json", refresh_seconds=1).aclose()


def test_keys_for_other_purposes_are_passed_over() -> None:
    """Keys to encrypt with, shared secrets, other algorithms, keys without id and rubbish don't verify tokens."""
    p384_like = {**EC.jwk(kid="es384"), "alg": "ES384"}
    entries: list[object] = [
        RSA.jwk(),
        RSA.jwk(kid="enc", use="enc"),
        RSA.jwk(kid="rs512", alg="RS512"),
        RSA.jwk(kid=""),
        p384_like,
        {"kty": "oct", "k": "c2VjcmV0", "kid": "shared"},
        {"kty": "RSA", "kid": "broken", "n": "!", "e": "AQAB"},
        {"kid": "no type"},
        "rubbish",
        None,
    ]
    assert set(parse(json.dumps({"keys": entries}).encode()).keys) == {"rsa-1"}


def test_a_key_need_not_name_its_algorithm() -> None:
    """Without `alg` and `use`, which RFC 7517 leaves open, the key's type decides."""
    keys = [SigningKey("a", RSA.private), SigningKey("b", ec_key())]
    bare = [{name: value for name, value in key.jwk().items() if name not in ("alg", "use")} for key in keys]
    found = parse(json.dumps({"keys": bare}).encode()).keys
    assert {name: key.algorithm_name for name, key in found.items()} == {"a": "RS256", "b": "ES256"}


@pytest.mark.parametrize("document", [b"[]", b"{}", b'{"keys": {}}', b"", b"\xff"])
def test_what_is_no_jwks_document_is_refused(document: bytes) -> None:
    """A wrong URL's answer is an error, not an empty set of keys."""
    with pytest.raises(ValueError, match=r"JWKS|Expecting|decode"):
        parse(document)
