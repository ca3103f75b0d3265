import re
from http import HTTPStatus

from fastapi import HTTPException
from starlette.types import Scope

from .headers import field

# One element of a list (RFC 9110, section 5.6.1; empty ones count for nothing) that is an entity-tag (section 8.8.3).
_ELEMENT = re.compile(rb'[ \t]*(?:(W/)?("[\x21\x23-\x7e\x80-\xff]*"))?[ \t]*(,|$)')
ANY = "*"
Tags = list[tuple[bool, bytes]]


def parse(value: bytes) -> Tags | str | None:
    """Return the entity-tags of an If-Match or If-None-Match value: each whether it is weak, and the opaque part.

    `ANY` for `*`; None for what is neither, of which nothing may be concluded.
    """
    if value.strip(b" \t") == b"*":
        return ANY
    tags: Tags = []
    position = 0
    while (element := _ELEMENT.match(value, position)) is not None:
        if element[2] is not None:
            tags.append((element[1] is not None, element[2]))
        if not element[3]:
            return tags
        position = element.end()
    return None


def is_match(if_match: bytes, etag: bytes) -> bool:
    """Whether an If-Match value is true for the current `etag`: strong comparison (RFC 9110, section 13.1.1)."""
    tags = parse(if_match)
    return tags == ANY or (isinstance(tags, list) and (False, etag) in tags)


def is_listed(if_none_match: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match value names the current `etag`: weak comparison (RFC 9110, section 13.1.2)."""
    if if_none_match == etag:  # as nearly all are
        return True
    tags = parse(if_none_match)
    return tags == ANY or (isinstance(tags, list) and any(tag == etag for _, tag in tags))


class Preconditions:
    """What a request demands of the current representation, in the order of RFC 9110, section 13.2.2.

    There are no modification dates here, so If-Modified-Since and If-Unmodified-Since are ignored (13.1.3, 13.1.4).
    """

    def __init__(self, scope: Scope) -> None:
        self.if_match = field(scope, b"if-match")
        self.if_none_match = field(scope, b"if-none-match")

    @property
    def are_given(self) -> bool:
        """Whether there are any."""
        return self.if_match is not None or self.if_none_match is not None

    def allow_read(self, etag: bytes) -> None:
        """Pass unless If-Match rules the representation out; If-None-Match, which makes a 304, is left to the answer.

        Raises:
            HTTPException: 412.
        """
        if self.if_match is not None and not is_match(self.if_match, etag):
            raise _failed("If-Match")

    def allow_write(self, etag: bytes) -> None:
        """Pass if what is to be replaced is what the client means; a header that can't be read proves nothing.

        Raises:
            HTTPException: 412.
        """
        self.allow_read(etag)
        tags = self.if_none_match
        if tags is not None and (parse(tags) is None or is_listed(tags, etag)):
            raise _failed("If-None-Match")


def _failed(header: str) -> HTTPException:
    detail = f'The current ETag does not satisfy {header}: "tag", a list of them, or *. Read it again, and then decide.'
    return HTTPException(HTTPStatus.PRECONDITION_FAILED, detail)
