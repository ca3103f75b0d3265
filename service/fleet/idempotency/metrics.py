from prometheus_client import Counter

REPLAYS = Counter("users_api_idempotency_replays_total", "Requests answered with what was answered to an earlier one.")
