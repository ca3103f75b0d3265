"""A request sent twice with one Idempotency-Key is carried out once (draft-ietf-httpapi-idempotency-key-header)."""

from .answer import Answer
from .errors import ConflictingKeyError, InProgressError
from .key import IdempotencyKey
from .store import IdempotencyStore

__all__ = ["Answer", "ConflictingKeyError", "IdempotencyKey", "IdempotencyStore", "InProgressError"]
