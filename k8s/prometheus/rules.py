"""Gives a release's alerts to the local Prometheus: `python3 -m k8s.prometheus.rules RELEASE NAMESPACE`.

The chart renders them as a PrometheusRule, which only the Prometheus operator reads. Without one, as here, its groups
go into the ConfigMap that Prometheus has mounted, under a name of the release. Standard library only, as all that
brings the cluster up.
"""

import argparse
import hashlib
import json
import subprocess
import sys
import textwrap

from k8s.cluster.kind import CONTEXT

NAMESPACE = "monitoring"
_TEMPLATE = "templates/monitoring/prometheusrule.yaml"


def of_chart(release: str, namespace: str) -> str:
    """Render the chart's rules with the kind values; returns a file of rules.

    Raises:
        subprocess.CalledProcessError: the chart does not render; holds what Helm said.
    """
    return _rendered(release, namespace, "chart/values-kind.yaml")


def of_release(release: str, namespace: str) -> str:
    """Render the chart's rules with the values of an installed release of any application; returns a file of rules.

    Raises:
        subprocess.CalledProcessError: there is no such release, or the chart does not render; holds what Helm said.
    """
    known = ("--kube-context", CONTEXT, "--namespace", namespace)
    return _rendered(release, namespace, "-", _run(["helm", "get", "values", release, *known, "--output", "json"]))


def in_manifest(manifest: str) -> str:
    """Return the rules in a PrometheusRule, which are its `spec`, as the file that Prometheus reads.

    Raises:
        ValueError: it is none.
    """
    _, found, spec = manifest.partition("\nspec:\n")
    if not found or "\nkind: PrometheusRule\n" not in manifest:
        message = f"this is no PrometheusRule:\n{manifest}"
        raise ValueError(message)
    return textwrap.dedent(spec)


def put(release: str, namespace: str, rules: str | None) -> None:
    """Have Prometheus evaluate a release's rules, or drop those it has of it; it knows within 20 s.

    Raises:
        subprocess.CalledProcessError: the cluster does not take them; holds what it said.
    """
    data = json.dumps({"data": {f"{namespace}.{release}.yaml": rules}})
    _kubectl("patch", "configmap", "prometheus-rules", "--type=merge", f"--patch={data}")
    # A kubelet looks at its ConfigMaps once a minute, and when a pod changes.
    digest = hashlib.sha256(str(rules).encode()).hexdigest()[:12]
    selector = "--selector=app.kubernetes.io/name=prometheus"
    _kubectl("annotate", "pods", selector, "--overwrite", f"users-api/rules={digest}")


def _kubectl(*arguments: str) -> None:
    _run(["kubectl", "--context", CONTEXT, "--namespace", NAMESPACE, *arguments])


def _rendered(release: str, namespace: str, values: str, given: str = "") -> str:
    command = [
        *("helm", "template", release, "chart", "--namespace", namespace, "--values", values),
        *("--set", "prometheusRule.enabled=true", "--show-only", _TEMPLATE),
    ]
    return in_manifest(_run(command, given))


def _run(command: list[str], given: str = "") -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True, input=given).stdout


def main() -> int:
    """Put or remove one release's rules; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python3 -m k8s.prometheus.rules", description=__doc__)
    parser.add_argument("release")
    parser.add_argument("namespace")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--remove", action="store_true", help="drop the release's rules")
    what.add_argument("--installed", action="store_true", help="take the values of the release, not those of kind")
    options = parser.parse_args()
    try:
        made = of_release if options.installed else of_chart
        put(options.release, options.namespace, None if options.remove else made(options.release, options.namespace))
    except subprocess.CalledProcessError as error:
        sys.stderr.write(f"error: {' '.join(error.cmd[:2])} failed: {error.stderr.strip()}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
