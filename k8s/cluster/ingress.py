"""Which controller serves the chart's Ingress: what `INGRESS` says, or the cluster has, or its mode can have."""

import json
from collections.abc import Callable

from k8s.cluster.kind import Kind
from k8s.cluster.steps import StepError
from k8s.ingress.controllers import CONTOUR, CONTROLLERS, INGRESS_NGINX, NAMESPACE, Controller, serving

AUTO = "auto"
_REFUSED = {
    INGRESS_NGINX.choice: (
        f"INGRESS={INGRESS_NGINX.choice}: {INGRESS_NGINX.name} cannot be built from source, and this cluster is "
        "(docs/decisions/0028-ingress-nginx-is-pulled-never-built.md says why). "
        "Leave INGRESS out: a cluster keeps what it has, and a new one gets {default}; or call make where an engine "
        "can pull images"
    ),
    CONTOUR.choice: (
        f"INGRESS={CONTOUR.choice}: {CONTOUR.name} as it is published repeats requests that it must not, and it is "
        "built with a change (docs/decisions/0044-envoy-serves-the-ingress.md). "
        "Leave INGRESS out: a cluster keeps what it has, and a new one gets {default}. To have it built, "
        "`make kind-down` and then MODE=build, on Debian 12 as root with Go"
    ),
}
CHOICES = (AUTO, *(controller.choice for controller in CONTROLLERS))


def choose(wanted: str, *, build: bool, present: Callable[[], Controller | None]) -> Controller:
    """Return the controller that the cluster is to have; `present` looks which one it has.

    Raises:
        StepError: it is one that cannot be had in this way.
    """
    default, other = (CONTOUR, INGRESS_NGINX) if build else (INGRESS_NGINX, CONTOUR)
    if wanted == other.choice:
        raise StepError(_REFUSED[other.choice].format(default=default.name))
    for controller in CONTROLLERS:
        if controller.choice == wanted:
            return controller
    return present() or default


def look(kind: Kind) -> Controller | None:
    """Return the controller that the running cluster has; None where it has none, or does not answer."""
    try:
        listed = kind.kubectl("get", "services", "--namespace", NAMESPACE, "--request-timeout=10s", "--output=json")
    except StepError:
        return None
    return serving(json.loads(listed)["items"])
