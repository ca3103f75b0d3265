"""What `make install` brings, and the load tests look at unless told otherwise; the cluster's own name is kind's."""

NAMESPACE = "users-api"
RELEASE = "users-api"
# namespace/name:port of its Service.
PROMETHEUS = "monitoring/prometheus:9090"
