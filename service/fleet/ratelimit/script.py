"""The one place where permits are counted: a sliding log of grants, run by Redis as one atomic step."""

import hashlib

# The hash maps the end of a time slot (ms) to the permits granted in it. A permit is free again one window after its
# slot's end. With slots of 1 ms that is an exact log; with slots of 1/60 window a grant is held up to 1/60 longer.
# Redis's own clock decides, so the replicas' clocks need not agree.
LEASE = """
local window, slot = tonumber(ARGV[2]), tonumber(ARGV[3])
local waiting, target, sharers = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6])
local returned_slot, returned = ARGV[7], tonumber(ARGV[8])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

if returned > 0 and redis.call('HEXISTS', KEYS[1], returned_slot) == 1 then
  redis.call('HINCRBY', KEYS[1], returned_slot, -returned)
end

local used, oldest = 0, nil
local slots = redis.call('HGETALL', KEYS[1])
for i = 1, #slots, 2 do
  local ends, permits = tonumber(slots[i]), tonumber(slots[i + 1])
  if permits <= 0 or ends + window <= now then
    redis.call('HDEL', KEYS[1], slots[i])
  else
    used = used + permits
    if not oldest or ends < oldest then oldest = ends end
  end
end

local available = math.max(0, tonumber(ARGV[1]) - used)
local granted = math.min(available, math.max(waiting, math.min(target, math.floor(available / sharers))))
local ends = now
if slot > 1 then ends = (math.floor(now / slot) + 1) * slot end
if granted > 0 then
  redis.call('HINCRBY', KEYS[1], string.format('%.0f', ends), granted)
  redis.call('PEXPIRE', KEYS[1], window + slot + 1000)
end
return {granted, available - granted, (oldest or ends) + window - now, string.format('%.0f', ends)}
"""

LEASE_SHA = hashlib.sha1(LEASE.encode(), usedforsecurity=False).hexdigest()
