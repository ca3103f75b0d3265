class ConflictingKeyError(Exception):
    """The key was used with another body before."""


class InProgressError(Exception):
    """The first request with this key has not been answered yet."""
