from prometheus_client import Counter, Gauge

KEYS = Gauge(
    "users_api_jwks_keys",
    "Keys of the JWKS document as last read: usable, unused (for other purposes) or malformed.",
    ["state"],
    multiprocess_mode="livemax",
)
READINGS = Counter("users_api_jwks_readings_total", "Readings of the JWKS document by outcome.", ["outcome"])
