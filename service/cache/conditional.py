import re

# RFC 9110, section 8.8.3: entity-tag = [ W/ ] DQUOTE *etagc DQUOTE
_ENTITY_TAG = re.compile(rb'(?:W/)?("[\x21\x23-\x7e\x80-\xff]*")')


def none_match(if_none_match: bytes, etag: bytes) -> bool:
    """Whether an If-None-Match value is false for the current `etag`, so that 304 answers a GET.

    Weak comparison (RFC 9110, section 13.1.2): W/ is ignored. A malformed value matches nothing: the full answer is
    always right.
    """
    if if_none_match.strip() == b"*":
        return True
    return etag in _ENTITY_TAG.findall(if_none_match)
