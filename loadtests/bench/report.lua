-- Exact figures as one line of JSON, instead of wrk's rounded text. With a number after `--`, ids 1 to that number
-- are asked for in turn, beginning after the second number; without, wrk sends one constant request, which costs it least.
local paths = {}
local at = 0

function init(args)
  local ids = tonumber(args[1])
  if ids then
    at = tonumber(args[2])
    for id = 1, ids do
      paths[id] = wrk.format("GET", "/api/users/" .. id)
    end
    request = function()
      at = at % ids + 1
      return paths[at]
    end
  end
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    '{"requests":%d,"duration_seconds":%.6f,"p50_ms":%.3f,"p99_ms":%.3f,"failed":%d}\n',
    summary.requests,
    summary.duration / 1e6,
    latency:percentile(50) / 1e3,
    latency:percentile(99) / 1e3,
    errors.connect + errors.read + errors.write + errors.status + errors.timeout
  ))
end
