import hashlib

# SET, unless what is held is newer: of a greater version, or of the same and a greater kind (the header of
# `codec.py`). ARGV: the value; its milliseconds to live; version and kind that it replaces nevertheless.
PUT = r"""
local held = redis.call('GETRANGE', KEYS[1], 0, 9)
if #held == 10 and held:byte(1) == ARGV[1]:byte(1) and held:sub(2) ~= ARGV[3] then
  local held_version, held_kind = struct.unpack('>I8B', held, 2)
  local version, kind = struct.unpack('>I8B', ARGV[1], 2)
  if held_version > version or (held_version == version and held_kind > kind) then return 0 end
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""

PUT_SHA = hashlib.sha1(PUT.encode(), usedforsecurity=False).hexdigest()
