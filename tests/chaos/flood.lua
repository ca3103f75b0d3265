-- The statuses of all answers as one line of JSON: wrk itself tells those below 400 from the others, and no more.
local threads = {}

function setup(thread)
  table.insert(threads, thread)
end

function init()
  statuses = {}
end

function response(status)
  statuses[status] = (statuses[status] or 0) + 1
end

function done(summary)
  local counts = {}
  for _, thread in ipairs(threads) do
    for status, count in pairs(thread:get("statuses")) do
      counts[status] = (counts[status] or 0) + count
    end
  end
  local parts = {}
  for status, count in pairs(counts) do
    table.insert(parts, string.format('"%d":%d', status, count))
  end
  local errors = summary.errors
  table.insert(parts, string.format('"0":%d', errors.connect + errors.read + errors.write + errors.timeout))
  io.write("{" .. table.concat(parts, ",") .. "}\n")
end
