class UnauthenticatedError(Exception):
    """The request carries no credentials, or ones that don't hold (RFC 6750).

    Attributes:
        detail: says what to do; never holds any of the token.
        is_missing: there were no credentials at all.
    """

    def __init__(self, detail: str, *, is_missing: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.is_missing = is_missing
