from prometheus_client import Counter

from ..names import METRICS

REFUSED = Counter(
    f"{METRICS}connections_refused_total", "Connections answered with 503, as there were MAX_CONNECTIONS before them."
)
