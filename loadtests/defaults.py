"""What `make install` brings, and the load tests look at unless told otherwise; the cluster's own name is kind's."""

from k8s.client.application import USERS_API

NAMESPACE = USERS_API.namespace
RELEASE = USERS_API.release
PROMETHEUS = USERS_API.prometheus
