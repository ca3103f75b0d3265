import hashlib

from service.auth.static_tokens import StaticTokens
from service.settings import StaticToken


def known(token: bytes, subject: str) -> StaticToken:
    """The setting that makes `token` known."""
    return StaticToken(sha256=hashlib.sha256(token).hexdigest(), subject=subject, scopes=frozenset({"users:read"}))


def test_a_known_token_has_its_principal() -> None:
    """Each token leads to its own subject and scopes."""
    tokens = StaticTokens([known(b"one", "first"), known(b"two", "second")])
    found = tokens.find(b"two")
    assert found is not None
    assert found.subject == "second"
    assert found.scopes == {"users:read"}


def test_an_unknown_token_has_none() -> None:
    """Neither another token nor the hash itself opens anything."""
    tokens = StaticTokens([known(b"one", "first")])
    assert tokens.find(b"two") is None
    assert tokens.find(hashlib.sha256(b"one").hexdigest().encode()) is None
