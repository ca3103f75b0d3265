from prometheus_client import Counter

from ..names import METRICS

REPLAYS = Counter(f"{METRICS}idempotency_replays_total", "Requests answered with what was answered to an earlier one.")
