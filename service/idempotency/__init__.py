"""A request sent twice with one Idempotency-Key is carried out once (draft-ietf-httpapi-idempotency-key-header)."""

from service.idempotency.answer import Answer
from service.idempotency.errors import ConflictingKeyError, InProgressError
from service.idempotency.key import IdempotencyKey
from service.idempotency.store import IdempotencyStore

__all__ = ["Answer", "ConflictingKeyError", "IdempotencyKey", "IdempotencyStore", "InProgressError"]
