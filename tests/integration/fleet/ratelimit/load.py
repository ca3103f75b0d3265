"""One process of several that share a limit: asks at a constant rate, prints what it was allowed and what it cost."""

import asyncio
import json
import sys
import time

from service.fleet.ratelimit import RateLimiter
from service.fleet.redis_client import RedisClient, RedisConfig
from tests.observe import sample
from tests.redis_process import PATIENT_SECONDS


async def main(url: str, limit: int, *times: float) -> None:
    """Say that it is ready, read when to start, and ask `rate` times a second for `seconds` from then on."""
    window, rate, seconds = times
    redis = RedisClient(RedisConfig(url=url, call_timeout_seconds=PATIENT_SECONDS))
    limiter = RateLimiter(redis, replicas=3)
    await redis.start()
    await limiter.start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    start_at = float(sys.stdin.readline())
    await asyncio.sleep(start_at - time.time())
    asked = allowed = 0
    while (elapsed := time.time() - start_at) < seconds:
        while asked < elapsed * rate:
            asked += 1
            allowed += (await limiter.decide("shared", limit, window)).allowed
        await asyncio.sleep(0.5 / rate)
    await limiter.aclose()
    await redis.aclose()
    report = {
        "asked": asked,
        "allowed": allowed,
        "trips": sum(
            sample("users_api_rate_limit_leases_total", outcome=outcome) for outcome in ("granted", "refused")
        ),
        "failed": sample("users_api_rate_limit_leases_total", outcome="failed"),
    }
    sys.stdout.write(json.dumps(report))


if __name__ == "__main__":
    arguments = sys.argv
    asyncio.run(main(arguments[1], int(arguments[2]), *map(float, arguments[3:6])))
