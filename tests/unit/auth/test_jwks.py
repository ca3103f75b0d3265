import asyncio
import contextlib
import io
import itertools
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from http.client import HTTPMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import RSAAlgorithm

from service import __version__
from service.auth import download
from service.auth import jwks as module
from service.auth.jwk import parse
from service.auth.jwks import KeySet
from tests.authority import sign
from tests.http_server import Quiet
from tests.issuer import EC, RSA, SigningKey, ec_key, jwks, rsa_key
from tests.observe import sample, until

pytestmark = pytest.mark.anyio


class Provider:
    """An identity provider that publishes keys over HTTP on loopback."""

    def __init__(self) -> None:
        self.document = jwks(RSA)
        self.status = 200
        self.speaks_http = True
        self.reads = 0
        self.redirects = 0
        self.headers: dict[str, str] = {}
        provider = self

        class Handler(Quiet, BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.reads += 1
                provider.headers = {name.lower(): value for name, value in self.headers.items()}
                if provider.redirects:
                    provider.redirects -= 1
                    self.send_response(302)
                    self.send_header("location", f"/elsewhere-{provider.redirects}")
                    self.end_headers()
                    return
                if provider.speaks_http:
                    self.send_response(provider.status)
                else:
                    self.wfile.write(b"220 smtp.example.com ESMTP\r\n")
                self.end_headers()
                self.wfile.write(provider.document)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        """Where the document is."""
        return f"http://127.0.0.1:{self._server.server_port}/jwks"

    def speak_tls(self, context: ssl.SSLContext) -> None:
        """Answer over TLS from now on."""
        self._server.socket = context.wrap_socket(self._server.socket, server_side=True)

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
    await until(lambda: "ec-1" in keys._keys)
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


async def test_a_refusal_keeps_no_connection(provider: Provider) -> None:
    """What answers that it has no document is let go at once, not when its answer is collected."""
    provider.status = 500
    with pytest.raises(HTTPError) as refused:
        await download.download(provider.url)
    assert refused.value.closed


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
    await until(lambda: "can't be read" in caplog.text)
    assert await keys.find("rsa-1") is not None
    await keys.aclose()


async def test_a_provider_may_start_later(tmp_path: Path) -> None:
    """The start does not fail without keys; they are known once the document is there."""
    document = tmp_path / "jwks.json"
    keys = KeySet(document, refresh_seconds=0.02)
    await keys.start()
    assert await keys.find("rsa-1") is None
    document.write_bytes(jwks(RSA))
    await until(lambda: "rsa-1" in keys._keys)
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


class Hanging:
    """An identity provider that accepts, and then sends `chunks` one by one, or nothing for ever."""

    def __init__(self, *chunks: bytes, pause_seconds: float = 0.05) -> None:
        self._chunks = chunks
        self._pause_seconds = pause_seconds
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.fetches = 0
        self.requests = b""
        self.has_ended = threading.Event()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        """Where the document would be."""
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}/jwks"

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                self.fetches += 1
                threading.Thread(target=self._answer, args=(connection,), daemon=True).start()

    def _answer(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.requests += connection.recv(65536)
            for chunk in itertools.cycle(self._chunks):
                connection.sendall(chunk)
                time.sleep(self._pause_seconds)
            connection.recv(1)
        self.has_ended.set()

    def stop(self) -> None:
        """Accept no more."""
        self._listener.close()


@pytest.fixture
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0.3)


@pytest.mark.usefixtures("_short")
@pytest.mark.parametrize(
    "chunks",
    [(), (b"HTTP/1.1 200 OK\r\n", b"x: y\r\n"), (b"HTTP/1.1 200 OK\r\ncontent-length: 9999\r\n\r\n" + b" " * 9, b" ")],
    ids=["silent", "endless headers", "a byte now and then"],
)
async def test_unknown_keys_wait_for_one_fetch_together(chunks: tuple[bytes, ...]) -> None:
    """However the provider hangs, 20 tokens of 20 unknown keys cost one fetch; who comes after it waits for none."""
    provider = Hanging(*chunks)
    keys = KeySet(provider.url, refresh_seconds=300)
    found = await asyncio.wait_for(asyncio.gather(*(keys.find(f"made-up-{number}") for number in range(20))), 10)
    assert found == [None] * 20
    assert provider.fetches == 1
    for number in range(20, 40):
        assert await keys.find(f"made-up-{number}") is None
    assert provider.fetches == 1
    assert await asyncio.to_thread(provider.has_ended.wait, 10), "the thread of the fetch goes on"
    await keys.aclose()
    provider.stop()


@pytest.mark.usefixtures("_short")
async def test_a_minimal_interval_later_it_is_asked_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The interval runs from the end of the last fetch, which a hanging provider draws out."""
    provider = Hanging()
    keys = KeySet(provider.url, refresh_seconds=300)
    monkeypatch.setattr(module, "MIN_INTERVAL_SECONDS", 0.05)
    for _ in range(3):
        assert await keys.find("made-up") is None
        await asyncio.sleep(0.06)
    assert provider.fetches == 3
    await keys.aclose()
    provider.stop()


async def test_closing_does_not_wait_for_a_hanging_fetch() -> None:
    """A process that stops cuts the fetch under way."""
    provider = Hanging()
    keys = KeySet(provider.url, refresh_seconds=300)
    waiting = asyncio.ensure_future(keys.find("made-up"))
    await until(lambda: provider.fetches == 1)
    await keys.aclose()
    assert await asyncio.wait_for(waiting, 10) is None
    assert await asyncio.to_thread(provider.has_ended.wait, 10)
    provider.stop()


async def test_the_fetch_says_who_asks_for_what(provider: Provider) -> None:
    """Firewalls refuse libraries that call themselves by their own names."""
    keys = KeySet(provider.url, refresh_seconds=300)
    await keys.start()
    await keys.aclose()
    assert provider.headers["user-agent"] == f"users-api/{__version__}"
    assert provider.headers["accept"] == "application/jwk-set+json, application/json"


@pytest.mark.parametrize(
    ("source", "target", "is_followed"),
    [
        ("http", "http://b/", True),
        ("http", "https://b/", True),
        ("https", "https://b/", True),
        ("https", "http://b/", False),
        ("https", "HTTP://b/", False),
        ("http", "ftp://b/", False),
        ("http", "file:///etc/passwd", False),
    ],
)
def test_no_redirect_leaves_tls(source: str, target: str, *, is_followed: bool) -> None:
    """Keys that came in plain text could be anybody's."""
    redirects = download._Redirects()
    request = Request(f"{source}://a/", headers=download.HEADERS)
    headers = HTTPMessage()
    if is_followed:
        next_request = redirects.redirect_request(request, io.BytesIO(), 302, "Found", headers, target)
        assert next_request is not None
        assert next_request.get_header("User-agent") == download.HEADERS["User-Agent"]
    else:
        with pytest.raises(OSError, match="is not followed"):
            redirects.redirect_request(request, io.BytesIO(), 302, "Found", headers, target)


async def test_keys_are_read_over_tls(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From a provider whose certificate the environment's authorities have signed, and from no other."""
    signed = sign(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(signed.server)
    provider.speak_tls(context)
    url = provider.url.replace("http://127.0.0.1", "https://localhost")
    for trusted in (False, True):
        if trusted:
            monkeypatch.setenv("SSL_CERT_FILE", str(signed.authority))
        keys = KeySet(url, refresh_seconds=300)
        await keys.start()
        assert ("rsa-1" in keys._keys) is trusted
        await keys.aclose()


async def test_a_redirect_is_followed(provider: Provider) -> None:
    """Providers move their documents."""
    provider.redirects = 2
    keys = KeySet(provider.url, refresh_seconds=300)
    await keys.start()
    await keys.aclose()
    assert await keys.find("rsa-1") is not None
    assert provider.reads == 3


def small_rsa() -> dict[str, Any]:
    """A key that 512 bits make breakable in an afternoon."""
    public = RSAPublicNumbers(65537, (1 << 511) + 111).public_key()
    return {**RSAAlgorithm.to_jwk(public, as_dict=True), "kid": "small"}


RSA_JWK, EC_JWK = RSA.jwk(kid="bad"), EC.jwk(kid="bad")
MALFORMED: dict[str, object] = {
    "octets without k": {"kty": "oct", "kid": "bad"},
    "no type": {"kid": "bad"},
    "a type that is none": {"kty": "Quantum", "kid": "bad"},
    "a type of another type": {"kty": ["RSA"], "kid": "bad"},
    "a text": "rubbish",
    "a number": 7,
    "nothing": None,
    "a list": [["kty", "RSA"]],
    "an empty object": {},
    "a key id of another type": {**RSA_JWK, "kid": ["rsa-1"]},
    "a use of another type": {**RSA_JWK, "use": ["sig"]},
    "operations of another type": {**RSA_JWK, "key_ops": 7},
    "an algorithm of another type": {**RSA_JWK, "alg": {}},
    "an algorithm that is none": {**RSA_JWK, "alg": "XX256"},
    "an algorithm of another type of key": {**RSA_JWK, "alg": "ES256"},
    "no modulus": {name: value for name, value in RSA_JWK.items() if name != "n"},
    "no exponent": {name: value for name, value in RSA_JWK.items() if name != "e"},
    "a modulus that is a number": {**RSA_JWK, "n": 12345},
    "a modulus that is no base64": {**RSA_JWK, "n": "!" + RSA_JWK["n"]},
    "an empty modulus": {**RSA_JWK, "n": ""},
    "an even exponent": {**RSA_JWK, "e": "AQAA"},
    "a huge exponent": {**RSA_JWK, "e": "AQAAAAAAAAAAAAAB"},
    "a small key": small_rsa(),
    "a point off the curve": {**EC_JWK, "x": EC_JWK["y"]},
    "half a point": {name: value for name, value in EC_JWK.items() if name != "y"},
    "a curve that is none": {**EC_JWK, "alg": "", "crv": "P-0"},
    "the key id of another": {**EC_JWK, "kid": "rsa-1"},
    "half a surrogate pair": {**RSA_JWK, "n": "\ud800"},
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_key_costs_no_other(name: str) -> None:
    """In whichever way it is malformed, and wherever it stands, it is skipped and counted (RFC 7517, section 5)."""
    found = parse(json.dumps({"keys": [RSA.jwk(), MALFORMED[name], EC.jwk()]}).encode())
    assert set(found.keys) == {"rsa-1", "ec-1"}
    assert len(found.malformed) == 1
    assert found.keys["rsa-1"].algorithm_name == "RS256"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(entry=JSON | st.dictionaries(st.sampled_from([*RSA_JWK, *EC_JWK, "k", "d", "key_ops"]), JSON))
def test_any_entry_is_survived(entry: object) -> None:
    """Whatever stands among the keys, the good one is found."""
    assert "rsa-1" in parse(json.dumps({"keys": [entry, RSA.jwk()]}).encode()).keys or (
        isinstance(entry, dict) and entry.get("kid") == "rsa-1"
    )


def test_a_private_key_is_taken_for_its_public_half() -> None:
    """A provider that publishes too much can still be verified with, and its secret is not kept."""
    private = {**RSAAlgorithm.to_jwk(rsa_key(), as_dict=True), "kid": "rsa-1", "key_ops": ["sign", "verify"]}
    assert "d" in private
    found = parse(json.dumps({"keys": [private]}).encode()).keys["rsa-1"]
    assert isinstance(found.key, RSAPublicKey)


async def test_malformed_keys_are_told_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """They are counted at each reading, and logged when they change."""
    document = tmp_path / "jwks.json"
    document.write_text(json.dumps({"keys": [RSA.jwk(), RSA.jwk(kid="enc", use="enc"), {"kty": "oct", "kid": "x"}]}))
    keys = KeySet(document, refresh_seconds=0.01)
    readings = sample("users_api_jwks_readings_total", outcome="ok")
    await keys.start()
    await until(lambda: sample("users_api_jwks_readings_total", outcome="ok") >= readings + 3)
    await keys.aclose()
    states = ("usable", "unused", "malformed")
    assert [sample("users_api_jwks_keys", state=state) for state in states] == [1, 1, 1]
    assert [record.key_ids for record in caplog.records] == [["'x'"]]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "error",
    [RuntimeError("x"), MemoryError(), asyncio.CancelledError(), GeneratorExit()],
    ids=lambda error: type(error).__name__,
)
async def test_no_error_ends_the_refresh(tmp_path: Path, error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a reading that failed in a way nobody expects, a key that was taken away stops being believed."""
    document = tmp_path / "jwks.json"
    document.write_bytes(jwks(RSA))
    keys = KeySet(document, refresh_seconds=0.01)
    await keys.start()
    failed = 0

    async def fail() -> bytes:
        nonlocal failed
        failed += 1
        raise error

    with monkeypatch.context() as broken:
        broken.setattr(keys, "_source", fail)
        await until(lambda: failed >= 2)
    assert "rsa-1" in keys._keys
    document.write_bytes(jwks(EC))
    await until(lambda: set(keys._keys) == {"ec-1"})
    assert keys.background.is_running
    await keys.aclose()


@pytest.mark.parametrize("successors", [(EC,), (SigningKey("rsa-1", rsa_key(1)),)], ids=["gone", "replaced"])
async def test_a_revoked_key_is_told(tmp_path: Path, successors: tuple[SigningKey, ...]) -> None:
    """Who remembers what a key signed learns that it is gone, or another under its id; not when nothing changed."""
    document = tmp_path / "jwks.json"
    document.write_bytes(jwks(RSA))
    keys = KeySet(document, refresh_seconds=300)
    told: list[bool] = []
    keys.on_revoked = lambda: told.append(True)
    await keys.start()
    await keys._read()
    document.write_bytes(jwks(RSA, EC))
    await keys._read()
    assert not told
    document.write_bytes(jwks(*successors))
    await keys._read()
    assert told
    await keys.aclose()
