"""What `make kind-up install` brings, and the load tests look at unless told otherwise."""

CONTEXT = "kind-users-api"
NAMESPACE = "users-api"
RELEASE = "users-api"
# namespace/name:port of its Service.
PROMETHEUS = "monitoring/prometheus:9090"
