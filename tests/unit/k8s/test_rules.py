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
