import json
import re
from dataclasses import dataclass, field
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

ALGORITHMS = frozenset({"RS256", "ES256"})
# RFC 7518, section 3.3, sets the least; the most is a bound on the time that one signature takes.
MIN_RSA_BITS, MAX_RSA_BITS = 2048, 8192
MAX_RSA_EXPONENT_BITS = 32
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth"})
_BASE64URL = re.compile(r"[A-Za-z0-9_-]+")


@dataclass(slots=True)
class KeyDocument:
    """What a JWKS document holds for us.

    Attributes:
        keys: those that tokens may be verified with, by key id.
        unused: how many are for other purposes or algorithms, or have no id.
        malformed: the ids of those that no key can be made of, or that repeat an id.
    """

    keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    unused: int = 0
    malformed: list[str] = field(default_factory=list)


def parse(document: bytes) -> KeyDocument:
    """Return the keys of a JWKS document; one that is malformed costs none of the others (RFC 7517, section 5).

    Raises:
        ValueError: it is no JWKS document.
    """
    content = json.loads(document)
    if not isinstance(content, dict) or not isinstance(content.get("keys"), list):
        raise ValueError("not a JWKS document: it has no list named keys")  # noqa: TRY004 - the document is wrong, not our call
    found = KeyDocument()
    for entry in content["keys"]:
        try:
            key = _key(entry)
        except Exception:  # noqa: BLE001 - the library raises what a member of a wrong type happens to lead to
            found.malformed.append(_name(entry))
            continue
        if key is None:
            found.unused += 1
        elif key.key_id in found.keys:
            found.malformed.append(_name(entry))
        else:
            found.keys[str(key.key_id)] = key
    return found


def _key(entry: dict[str, Any]) -> jwt.PyJWK | None:
    """Return the key to verify with; None if it is for another purpose.

    A private key is taken for its public half: whoever published it by mistake still signs with it.
    """
    for name in ("kty", "kid", "use", "alg", "crv", "n", "e", "x", "y", "k"):
        if not isinstance(entry.get(name, ""), str):
            raise TypeError(name)
    for name in ("n", "e", "x", "y", "k"):
        if name in entry and _BASE64URL.fullmatch(entry[name]) is None:
            raise ValueError(name)
    key = jwt.PyJWK.from_dict({name: value for name, value in entry.items() if name not in _PRIVATE})
    if isinstance(key.key, RSAPublicKey):
        _check_size(key.key)
    is_for_verifying = entry.get("use", "sig") == "sig" and "verify" in list(entry.get("key_ops", ["verify"]))
    return key if is_for_verifying and key.key_id and _is_known(key) else None


def _is_known(key: jwt.PyJWK) -> bool:
    on_p256 = isinstance(key.key, EllipticCurvePublicKey) and isinstance(key.key.curve, SECP256R1)
    return key.algorithm_name in ALGORITHMS and (on_p256 or isinstance(key.key, RSAPublicKey))


def _check_size(key: RSAPublicKey) -> None:
    if not MIN_RSA_BITS <= key.key_size <= MAX_RSA_BITS:
        raise ValueError("n")
    if key.public_numbers().e.bit_length() > MAX_RSA_EXPONENT_BITS:
        raise ValueError("e")


def _name(entry: object) -> str:
    """Return what the log may say of an entry: its id, cut short, and nothing that could be a secret."""
    return ascii(entry.get("kid") if isinstance(entry, dict) else None)[:64]
