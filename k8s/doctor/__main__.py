"""`python -m k8s.doctor --namespace users-api --release users-api`, or `--app app.yaml`."""

import argparse
import sys
import time
from pathlib import Path

from k8s.client.application import Application
from k8s.client.errors import ApplicationError, ClusterError
from k8s.client.options import add_options, application_of
from k8s.cluster.kind import CONTEXT
from k8s.doctor.api import Api, ClusterApi, Recorder
from k8s.doctor.chain import walk
from k8s.doctor.snapshot import read
from k8s.doctor.why import explain


def diagnose(api: Api, application: Application, now_s: float) -> tuple[str, bool]:
    """Return why a release has its replicas and the report on its links, and whether every link holds.

    Raises:
        ClusterError: there is no such release.
    """
    seen = read(api, application.namespace, application.release, now_s, application.deployment)
    found = list(walk(api, seen, application))
    lines = [explain(api, seen), ""]
    lines += [f"{finding.state:8}{finding.link:17}{finding.text}" for finding in found]
    first = next((finding for finding in found if finding.state == "broken"), None)
    if first is None:
        lines.append("every link holds")
    else:
        lines.append(f"first broken link: {first.link}: {first.text}\nremedy: {first.remedy}")
    return "\n".join(lines), first is None


def main() -> int:
    """Print the report; returns 0 if every link holds, 1 if one is broken, 2 if there is nothing to look at."""
    parser = argparse.ArgumentParser(
        prog="python -m k8s.doctor",
        description="Say why there are so many replicas, and name the first broken link between the metrics and the "
        "autoscaler, or to the database.",
    )
    parser.add_argument("--context", default=CONTEXT, help="of the kubeconfig (default: %(default)s)")
    add_options(parser)
    parser.add_argument("--record", type=Path, help="file for all that the APIs answered, to attach to a report")
    options = parser.parse_args()
    try:
        application, now_s = application_of(options), time.time()
        recorder = Recorder(ClusterApi(options.context))
        report, whole = diagnose(recorder, application, now_s)
    except (ApplicationError, ClusterError) as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    if options.record:
        recorder.write(options.record, now_s)
    sys.stdout.write(report + "\n")
    return 0 if whole else 1


if __name__ == "__main__":
    sys.exit(main())
