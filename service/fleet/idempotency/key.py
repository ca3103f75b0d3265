import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class IdempotencyKey:
    """What a client calls its request, and the request."""

    subject: str
    key: str
    content: bytes

    @property
    def name(self) -> bytes:
        """The name of the key in the store; the same text from another client is another key."""
        return _digest(f"{self.subject}\0{self.key}".encode())

    @property
    def fingerprint(self) -> bytes:
        """A digest of the request: a key belongs to one request only."""
        return _digest(self.content)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
