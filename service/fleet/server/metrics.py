from prometheus_client import Counter

REFUSED = Counter(
    "users_api_connections_refused_total", "Connections answered with 503, as there were MAX_CONNECTIONS before them."
)
