"""`python3 -m k8s.cluster up | down | image | on-demand | logs`."""

import argparse
import os
import sys
from pathlib import Path

from k8s.cluster import ingress, service_image
from k8s.cluster.kind import Kind
from k8s.cluster.mirror import Mirror
from k8s.cluster.modes import AUTO, MODES
from k8s.cluster.on_demand import OnDemand
from k8s.cluster.steps import StepError, Steps
from k8s.cluster.up import Local


def main() -> int:
    """Run one command; returns the exit status."""
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "users-api"
    parser = argparse.ArgumentParser(prog="python3 -m k8s.cluster", description="The local cluster.")
    parser.add_argument("command", choices=("up", "down", "image", "on-demand", "logs"))
    parser.add_argument(
        "--mode",
        choices=MODES,
        default=AUTO,
        help="pull published images, build from source, or find out (default); a cluster stays what it was made as",
    )
    parser.add_argument(
        "--ingress",
        choices=ingress.CHOICES,
        default=ingress.AUTO,
        help="what serves Ingresses (default: what the cluster has; else nginx with --mode pull, contour with build)",
    )
    parser.add_argument(
        "--image-mirror", default="", help="a registry that has the published images (default: their own)"
    )
    parser.add_argument(
        "--download-mirror", default="", help="an address that has charts and programs (default: their own)"
    )
    parser.add_argument("--cache", type=Path, default=cache, help="what can be reused (default: %(default)s)")
    parser.add_argument(
        "--output", type=Path, default=Path("build/up"), help="times and logs of the steps (default: %(default)s)"
    )
    options = parser.parse_args()
    steps = Steps(options.output.resolve())
    try:
        mirror = Mirror(options.image_mirror, options.download_mirror)
        cache = options.cache.resolve()
        local = Local(cache, cache / "tools", options.mode, options.ingress, steps, mirror)
        if options.command == "up":
            local.up()
        elif options.command == "down":
            local.down()
        elif options.command == "image":
            service_image.build(local.cache, steps, Kind(local.tools, steps), mirror)
        elif options.command == "on-demand":
            OnDemand(Kind(local.tools, steps), steps, mirror).load()
        else:
            Kind(local.tools, steps).export_logs(options.output.resolve())
    except StepError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
