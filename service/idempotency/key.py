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
        """The key of this client; another's of the same text is another key."""
        return _digest(f"{self.subject}\0{self.key}".encode())

    @property
    def fingerprint(self) -> bytes:
        """What tells requests apart: the key stands for one of them."""
        return _digest(self.content)


def _digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()
