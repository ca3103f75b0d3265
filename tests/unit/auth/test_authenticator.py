import hashlib
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from service.auth import Authenticator, UnauthenticatedError
from service.auth import authenticator as module
from service.auth.jwks import KeySet
from service.auth.jwt import JwtVerifier
from service.auth.principal import Principal
from service.auth.static_tokens import StaticTokens
from service.settings import StaticToken
from tests.issuer import AUDIENCE, EC, ISSUER, RSA, jwks
from tests.observe import until

pytestmark = pytest.mark.anyio

TOKENS = StaticTokens([StaticToken(sha256=hashlib.sha256(b"test-token").hexdigest(), subject="developer")])
STATIC = b"Bearer test-token"


@pytest.fixture
async def authenticator(tmp_path: Path) -> AsyncIterator[Authenticator]:
    """One that knows a static token and the keys of an issuer, with no leeway."""
    document = tmp_path / "jwks.json"
    document.write_bytes(jwks(RSA))
    keys = KeySet(document, refresh_seconds=300)
    authenticator = Authenticator(TOKENS, JwtVerifier(keys, issuer=ISSUER, audience=AUDIENCE, leeway_seconds=0))
    await authenticator.start()
    yield authenticator
    await authenticator.aclose()


async def test_both_kinds_of_token_work(authenticator: Authenticator) -> None:
    """A static token and a signed one each lead to their subject."""
    assert (await authenticator.authenticate(STATIC)).subject == "developer"
    assert (await authenticator.authenticate(b"Bearer " + RSA.sign(sub="alice"))).subject == "alice"


async def test_what_was_verified_is_remembered(authenticator: Authenticator) -> None:
    """A header seen before is known without waiting; one never seen is not."""
    header = b"Bearer " + RSA.sign()
    assert authenticator.known_principal(header) is None
    principal = await authenticator.authenticate(header)
    assert authenticator.known_principal(header) is principal
    assert await authenticator.authenticate(header) is principal


async def test_what_was_refused_is_not_remembered(authenticator: Authenticator) -> None:
    """A token that doesn't hold is looked at each time."""
    header = b"Bearer unknown"
    with pytest.raises(UnauthenticatedError):
        await authenticator.authenticate(header)
    assert authenticator.known_principal(header) is None


class CountingTokens(StaticTokens):
    """Counts how often a token is looked for."""

    looks = 0

    def find(self, token: bytes) -> Principal | None:
        """Count, and look."""
        self.looks += 1
        return super().find(token)


async def test_a_request_s_token_is_refused_once() -> None:
    """Of all layers that ask who sends a request, the first has its token verified, and the others hear the same."""
    tokens = CountingTokens([])
    authenticator = Authenticator(tokens, None)
    scope = {"type": "http", "headers": [(b"authorization", b"Bearer unknown")]}
    for _ in range(3):
        with pytest.raises(UnauthenticatedError, match="not known"):
            await authenticator.authenticate_request(scope)
    assert tokens.looks == 1


async def test_an_expired_token_is_forgotten(authenticator: Authenticator) -> None:
    """A remembered token stops working the moment it expires."""
    header = b"Bearer " + RSA.sign(exp=int(time.time()) + 2)
    await authenticator.authenticate(header)
    assert authenticator.known_principal(header) is not None
    await until(lambda: authenticator.known_principal(header) is None)
    with pytest.raises(UnauthenticatedError, match="expired"):
        await authenticator.authenticate(header)


async def test_memory_of_tokens_is_bounded(authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch) -> None:
    """The token remembered first is the first to be forgotten."""
    monkeypatch.setattr(module, "MAX_REMEMBERED", 2)
    headers = [b"Bearer " + RSA.sign(sub=name) for name in ("a", "b", "c")]
    for header in headers:
        await authenticator.authenticate(header)
    assert [authenticator.known_principal(header) is not None for header in headers] == [False, True, True]


async def test_no_token_is_held(authenticator: Authenticator) -> None:
    """What is remembered of a token are 16 bytes of its hash."""
    await authenticator.authenticate(STATIC)
    (key,) = authenticator._remembered
    assert len(key) == 16
    assert "test-token" not in repr(authenticator._remembered)


async def test_without_keys_only_static_tokens_work() -> None:
    """A service that was given no issuer refuses every JWT, and starts and stops all the same."""
    authenticator = Authenticator(TOKENS, None)
    await authenticator.start()
    assert (await authenticator.authenticate(STATIC)).subject == "developer"
    with pytest.raises(UnauthenticatedError, match="not known"):
        await authenticator.authenticate(b"Bearer " + RSA.sign())
    await authenticator.aclose()


async def test_no_header_is_a_missing_token(authenticator: Authenticator) -> None:
    """Without a header there is nothing to verify."""
    with pytest.raises(UnauthenticatedError) as caught:
        await authenticator.authenticate(None)
    assert caught.value.is_missing


async def test_who_signed_by_a_revoked_key_is_forgotten(tmp_path: Path) -> None:
    """The refresh that drops a key ends what is remembered of its tokens, and of no others."""
    document = tmp_path / "jwks.json"
    document.write_bytes(jwks(RSA, EC))
    keys = KeySet(document, refresh_seconds=300)
    authenticator = Authenticator(TOKENS, JwtVerifier(keys, issuer=ISSUER, audience=AUDIENCE, leeway_seconds=0))
    await authenticator.start()
    revoked, kept = b"Bearer " + RSA.sign(sub="mallory"), b"Bearer " + EC.sign(sub="alice")
    for header in (revoked, kept):
        await authenticator.authenticate(header)
    document.write_bytes(jwks(EC))
    await keys._read()
    assert authenticator.known_principal(revoked) is None
    with pytest.raises(UnauthenticatedError, match="does not publish"):
        await authenticator.authenticate(revoked)
    assert (await authenticator.authenticate(kept)).subject == "alice"
    await authenticator.aclose()
