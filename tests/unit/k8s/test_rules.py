import os
import sys
from pathlib import Path

import pytest
import yaml

from k8s.prometheus import rules

_MANIFEST = """---
# Source: users-api/templates/monitoring/prometheusrule.yaml
apiVersion: monitoring.coreos.com/v1
kind: PrometheusRule
metadata:
  name: users-api
spec:
  groups:
    - name: redis
      rules:
        - alert: Down
          expr: >-
            up
            == 0
"""


def test_the_groups_of_a_prometheus_rule_are_a_file_of_rules() -> None:
    """What the operator would hand to Prometheus is taken out of the manifest whole."""
    assert yaml.safe_load(rules.in_manifest(_MANIFEST)) == yaml.safe_load(_MANIFEST)["spec"]


def test_what_is_no_prometheus_rule_is_refused() -> None:
    """Another object's spec never becomes rules; the message shows what was there."""
    with pytest.raises(ValueError, match="kind: Service"):
        rules.in_manifest(_MANIFEST.replace("PrometheusRule\nmeta", "Service\nmeta"))


_HELM = """
case "$1" in
get) [ "$3 $7" = "shop north" ] && echo '{"nameOverride": "shop"}' ;;
template) grep -q nameOverride && cat "$(dirname "$0")/manifest" ;;
esac
"""


def test_rules_of_an_installed_release_have_its_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Helm renders them with the values that the release has, and Prometheus' ConfigMap gets them under its name."""
    (tmp_path / "manifest").write_text(_MANIFEST)
    for name, text in {"helm": _HELM, "kubectl": f'echo "$*" >>{tmp_path}/said\n'}.items():
        (tmp_path / name).write_text(f"#!/bin/bash\n{text}")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(sys, "argv", ["rules", "shop", "north", "--installed"])
    assert rules.main() == 0
    patch, annotation = (tmp_path / "said").read_text().splitlines()
    assert "north.shop.yaml" in patch
    assert "alert: Down" in patch
    assert "annotate pods" in annotation
