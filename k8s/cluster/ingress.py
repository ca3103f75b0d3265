"""Which controller serves the chart's Ingress: what `INGRESS` says, or the cluster has, or its mode can have."""

import json
from collections.abc import Callable

from k8s.cluster.kind import Kind
from k8s.cluster.steps import StepError
from k8s.ingress.controllers import CONTROLLERS, INGRESS_NGINX, NAMESPACE, TRAEFIK, Controller, serving

AUTO = "auto"
CHOICES = (AUTO, *(controller.choice for controller in CONTROLLERS))


def choose(wanted: str, *, build: bool, present: Callable[[], Controller | None]) -> Controller:
    """Return the controller that the cluster is to have; `present` looks which one it has.

    Raises:
        StepError: it is one that cannot be built from source.
    """
    if build:
        if wanted == INGRESS_NGINX.choice:
            message = (
                f"INGRESS={wanted}: {INGRESS_NGINX.name} cannot be built from source, and this cluster is "
                "(docs/decisions/0028-ingress-nginx-is-pulled-never-built.md says why). "
                f"Leave INGRESS out, which gives {TRAEFIK.name}, or call make where an engine can pull images"
            )
            raise StepError(message)
        return TRAEFIK
    for controller in CONTROLLERS:
        if controller.choice == wanted:
            return controller
    return present() or INGRESS_NGINX


def look(kind: Kind) -> Controller | None:
    """Return the controller that the running cluster has; None where it has none, or does not answer."""
    try:
        listed = kind.kubectl("get", "services", "--namespace", NAMESPACE, "--request-timeout=10s", "--output=json")
    except StepError:
        return None
    return serving(json.loads(listed)["items"])
