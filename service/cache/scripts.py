import hashlib

TOMBSTONE = b"\x00"

# Not over a tombstone: the value may have been read from the source before the write that left it.
FILL = r"""
if redis.call('GET', KEYS[1]) == '\0' then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

FILL_SHA = hashlib.sha1(FILL.encode(), usedforsecurity=False).hexdigest()
