import base64
import hashlib
import hmac
import json
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from service.auth import UnauthenticatedError
from service.auth.jwks import KeySet
from service.auth.jwt import JwtVerifier
from tests.issuer import AUDIENCE, EC, ISSUER, RSA, SigningKey, ec_key, forge, jwks, rsa_key

pytestmark = pytest.mark.anyio


@pytest.fixture
async def verifier(tmp_path: Path) -> AsyncIterator[JwtVerifier]:
    """A verifier that believes in one RSA and one EC key."""
    document = tmp_path / "jwks.json"
    document.write_bytes(jwks(RSA, EC))
    keys = KeySet(document, refresh_seconds=300)
    await keys.start()
    yield JwtVerifier(keys, issuer=ISSUER, audience=AUDIENCE, leeway_seconds=10)
    await keys.aclose()


async def refusal(verifier: JwtVerifier, token: bytes) -> str:
    """Why `token` is refused."""
    with pytest.raises(UnauthenticatedError) as caught:
        await verifier.verify(token)
    assert not caught.value.is_missing
    return caught.value.detail


@pytest.mark.parametrize("key", [RSA, EC], ids=["RS256", "ES256"])
async def test_a_signed_token_names_its_principal(verifier: JwtVerifier, key: SigningKey) -> None:
    """Both algorithms work side by side."""
    principal, _ = await verifier.verify(key.sign(sub="alice", scope="users:read users:write"))
    assert principal.subject == "alice"
    assert principal.scopes == {"users:read", "users:write"}


@pytest.mark.parametrize(
    ("claims", "scopes"),
    [
        ({"scope": ""}, set()),
        ({"scp": ["users:read", 7]}, {"users:read"}),
        ({"scp": "users:read"}, {"users:read"}),
        ({"scp": 7}, set()),
        ({}, set()),
    ],
)
async def test_scopes_are_read_where_providers_put_them(
    verifier: JwtVerifier, claims: dict[str, Any], scopes: set[str]
) -> None:
    """`scope` as a string, `scp` as a list or a string; anything else grants nothing."""
    principal, _ = await verifier.verify(RSA.sign(without=None if "scope" in claims else "scope", **claims))
    assert principal.scopes == scopes


async def test_an_expired_token_is_refused(verifier: JwtVerifier) -> None:
    """Past expiry and leeway a token is worth nothing."""
    assert await refusal(verifier, RSA.sign(exp=int(time.time()) - 11)) == "The token has expired."


async def test_leeway_forgives_clocks(verifier: JwtVerifier) -> None:
    """A token that expired, or will only hold, within the leeway is taken."""
    now = int(time.time())
    principal, believed_until = await verifier.verify(RSA.sign(exp=now - 5, nbf=now + 5))
    assert principal.subject == "alice"
    assert believed_until == now - 5 + 10


_NO_TIMES = [
    *(10**400, -(10**400), 1e300, -1e300, float("inf"), float("-inf"), float("nan"), 253_402_300_800, 2**63),
    *("4102444800", "1e9", "", True, False, [], [4102444800], {}, "\ud800"),
]


@pytest.mark.parametrize("claim", ["exp", "nbf", "iat"])
@pytest.mark.parametrize("value", _NO_TIMES, ids=lambda value: repr(value)[:20])
async def test_a_claim_that_is_no_time_is_refused(verifier: JwtVerifier, claim: str, value: object) -> None:
    """Times are JSON numbers of this age (RFC 7519, section 2): no text, no truth values, nothing beyond a float."""
    claims: dict[str, Any] = {claim: value}
    assert await refusal(verifier, RSA.sign(**claims))


async def test_an_endless_number_is_refused(verifier: JwtVerifier) -> None:
    """Python converts no text of more than 4,300 digits; JSON's 1e999 is infinite."""
    for digits in ("1" + "0" * 400, "1" + "0" * 5000, "1e999", "-1e999"):
        payload = f'{{"sub":"alice","iss":"{ISSUER}","aud":"{AUDIENCE}","exp":{digits}}}'.encode()
        token = jwt.PyJWS().encode(payload, RSA.private, RSA.algorithm, {"kid": RSA.key_id}).encode()
        assert await refusal(verifier, token)


async def test_a_fraction_of_a_second_is_a_time(verifier: JwtVerifier) -> None:
    """NumericDates may have one."""
    principal, _ = await verifier.verify(RSA.sign(exp=time.time() + 60.5, nbf=0.5, iat=-0.5))
    assert principal.subject == "alice"


async def test_a_token_is_believed_no_longer_than_its_key_is_checked(verifier: JwtVerifier) -> None:
    """However late a token expires, it is verified again within the refresh time of the keys."""
    _, believed_until = await verifier.verify(RSA.sign(exp=int(time.time()) + 86_400))
    assert believed_until <= time.time() + 300


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"iss": "https://elsewhere.example.com"}, "InvalidIssuer"),
        ({"aud": "orders-api"}, "InvalidAudience"),
        ({"nbf": int(time.time()) + 3600}, "ImmatureSignature"),
        ({"exp": "soon"}, "Decode"),
        ({"sub": 7}, "InvalidSubject"),
    ],
)
async def test_claims_have_to_fit(verifier: JwtVerifier, claims: dict[str, Any], reason: str) -> None:
    """Another issuer, another audience, a time not come and a malformed claim are each refused by name."""
    assert await refusal(verifier, RSA.sign(**claims)) == f"The token does not hold: {reason}."


@pytest.mark.parametrize("claim", ["exp", "sub", "iss", "aud"])
async def test_claims_have_to_be_there(verifier: JwtVerifier, claim: str) -> None:
    """A token without expiry, subject, issuer or audience is refused."""
    assert await refusal(verifier, RSA.sign(without=claim)) == "The token does not hold: MissingRequiredClaim."


async def test_issuer_and_audience_are_checked_where_set(tmp_path: Path) -> None:
    """A verifier that was told neither takes tokens of any."""
    document = tmp_path / "jwks.json"
    document.write_bytes(jwks(RSA))
    keys = KeySet(document, refresh_seconds=300)
    await keys.start()
    verifier = JwtVerifier(keys, issuer=None, audience=None, leeway_seconds=0)
    principal, _ = await verifier.verify(RSA.sign(iss="https://any.example.com", aud="any"))
    await keys.aclose()
    assert principal.subject == "alice"


async def test_a_key_of_the_same_id_does_not_do(verifier: JwtVerifier) -> None:
    """A signature by another key under a known id is refused."""
    for impostor in (SigningKey("rsa-1", rsa_key(1)), SigningKey("ec-1", ec_key(1))):
        assert await refusal(verifier, impostor.sign()) == "The token does not hold: InvalidSignature."


async def test_an_unknown_key_does_not_do(verifier: JwtVerifier) -> None:
    """A key id that the issuer doesn't publish is refused, and so is a token that names none."""
    stranger = SigningKey("stranger", ec_key(1))
    expected = "The token is signed by a key that the issuer does not publish."
    assert await refusal(verifier, stranger.sign()) == expected
    assert await refusal(verifier, forge({"alg": "RS256"}, {})) == expected


async def test_no_signature_does_not_do(verifier: JwtVerifier) -> None:
    """alg=none (RFC 8725, section 2.1) is refused under a known key's id."""
    token = forge({"alg": "none", "kid": "rsa-1"}, {"sub": "alice", "exp": time.time() + 60})
    assert await refusal(verifier, token) == "The token's algorithm is not that of its key."


async def test_a_public_key_is_no_shared_secret(verifier: JwtVerifier) -> None:
    """A token signed by HMAC with the published RSA key as its secret (RFC 8725, section 2.1) is refused."""
    public = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    unsigned = forge({"alg": "HS256", "kid": "rsa-1"}, {"sub": "alice", "exp": time.time() + 60}).rstrip(b".")
    signature = base64.urlsafe_b64encode(hmac.digest(public, unsigned, hashlib.sha256)).rstrip(b"=")
    assert await refusal(verifier, unsigned + b"." + signature) == "The token's algorithm is not that of its key."


async def test_an_algorithm_belongs_to_its_key(verifier: JwtVerifier) -> None:
    """ES256 in the header of a token that names the RSA key is refused."""
    token = forge({"alg": "ES256", "kid": "rsa-1"}, {})
    assert await refusal(verifier, token) == "The token's algorithm is not that of its key."


async def test_a_changed_claim_breaks_the_signature(verifier: JwtVerifier) -> None:
    """Scopes can't be added to a token that was signed without them."""
    head, _, signature = EC.sign().split(b".")
    claims = json.dumps({"sub": "alice", "exp": int(time.time()) + 60, "scope": "users:write"}).encode()
    token = b".".join((head, base64.urlsafe_b64encode(claims).rstrip(b"="), signature))
    assert await refusal(verifier, token) == "The token does not hold: InvalidSignature."


async def test_a_token_too_deep_to_parse_is_refused(verifier: JwtVerifier) -> None:
    """Nested brackets exhaust the JSON parser, not the service."""
    header = base64.urlsafe_b64encode(b"[" * 5000).rstrip(b"=")
    assert await refusal(verifier, header + b".e30.") == "The token is not known."


async def test_claims_too_deep_to_parse_are_refused(verifier: JwtVerifier) -> None:
    """So are they where the issuer itself signed them."""
    claims = b'{"sub":"alice","x":' + b"[" * 2500 + b"]" * 2500 + b"}"
    head = base64.urlsafe_b64encode(b'{"alg":"RS256","kid":"rsa-1"}').rstrip(b"=")
    signed = head + b"." + base64.urlsafe_b64encode(claims).rstrip(b"=")
    signature = rsa_key().sign(signed, PKCS1v15(), SHA256())
    token = signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")
    assert (await refusal(verifier, token)).startswith("The token does not hold: ")


@pytest.mark.parametrize(
    "claims",
    [
        {"sub": "\ud800"},
        {"sub": "alice\udfff"},
        {"iss": ISSUER + "\ud800"},
        {"aud": [AUDIENCE, "\ud800"]},
        {"scope": "users:read \ud800"},
        {"scp": ["\ud800"]},
        {"jti": "\ud800"},
        {"x": {"\ud800": [1]}},
    ],
    ids=ascii,
)
async def test_half_a_surrogate_pair_is_refused(verifier: JwtVerifier, claims: dict[str, Any]) -> None:
    """What JSON can say and no text can hold is refused in any claim, however well it is signed."""
    assert (await refusal(verifier, RSA.sign(**claims))).startswith("The token does not hold: ")


async def test_half_a_surrogate_pair_is_no_key_id(verifier: JwtVerifier) -> None:
    """Nor anything else in the header."""
    for header in ({"kid": "\ud800"}, {"kid": "rsa-1", "jku": "\ud800"}):
        assert await refusal(verifier, RSA.sign(headers=header)) == "The token is not known."


@pytest.mark.parametrize(
    "subject", ["", "a" * 1025, "alice\n", "\x00", "al\x1bice", "a\x7f", "\x85"], ids=lambda text: ascii(text[:9])
)
async def test_a_subject_names_somebody(verifier: JwtVerifier, subject: str) -> None:
    """An empty subject, one of more than 1,024 characters and one with control characters are refused."""
    assert await refusal(verifier, RSA.sign(sub=subject)) == "The token does not hold: InvalidSubject."


@pytest.mark.parametrize("subject", ["a" * 1024, "Zoë", "李", "auth0|123", "system:serviceaccount:a:b", "a b", "😀"])
async def test_a_subject_may_be_any_text(verifier: JwtVerifier, subject: str) -> None:
    """In any script, with blanks and signs."""
    assert (await verifier.verify(RSA.sign(sub=subject)))[0].subject == subject


HEADERS = st.dictionaries(st.text() | st.sampled_from(["alg", "kid", "typ", "crit"]), st.integers() | st.text())


@given(token=st.binary(max_size=300) | st.builds(forge, HEADERS, st.just({}), st.binary(max_size=64)))
async def test_any_bytes_are_refused_in_one_way(token: bytes) -> None:
    """What nobody signed is refused, whatever it is, and never fails otherwise."""
    keys = KeySet(Path("unread"), refresh_seconds=300)
    verifier = JwtVerifier(keys, issuer=None, audience=None, leeway_seconds=0)
    assert await refusal(verifier, token)
