import hashlib

# SET each key, unless what is held is newer: of a greater version, or of the same and a greater kind (the header of
# `codec.py`). ARGV, for each: the value; its milliseconds to live; version and kind that it replaces nevertheless. What
# another program holds there gives way, or it would fail the others too.
PUT = r"""
for number, key in ipairs(KEYS) do
  local value, milliseconds, replaced = ARGV[number * 3 - 2], ARGV[number * 3 - 1], ARGV[number * 3]
  local held = redis.pcall('GETRANGE', key, 0, 9)
  local is_newer = false
  if type(held) == 'string' and #held == 10 and held:byte(1) == value:byte(1) and held:sub(2) ~= replaced then
    local held_version, held_kind = struct.unpack('>I8B', held, 2)
    local version, kind = struct.unpack('>I8B', value, 2)
    is_newer = held_version > version or (held_version == version and held_kind > kind)
  end
  if not is_newer then redis.call('SET', key, value, 'PX', milliseconds) end
end
"""

PUT_SHA = hashlib.sha1(PUT.encode(), usedforsecurity=False).hexdigest()
