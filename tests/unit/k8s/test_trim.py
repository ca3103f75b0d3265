from pathlib import Path

import pytest

from k8s.keda.trim import KEPT_TRIGGERS, trim

_BUILDER = """package scaling

func buildScaler(triggerType string) {
\tswitch triggerType {
\tcase "activemq":
\t\treturn scalers.NewActiveMQScaler()
\tcase "prometheus":
\t\treturn scalers.NewPrometheusScaler()
\tdefault:
\t\treturn nil
\t}
}
"""


def _module(root: Path, *, constant: str = 'const externalMetricType = "External"') -> Path:
    for folder in ("apis", "cmd", "controllers", "schema", "version", "pkg/scaling", "pkg/scalers"):
        (root / folder).mkdir(parents=True)
    for name in ("go.mod", "go.sum"):
        (root / name).write_text("", encoding="utf-8")
    (root / "pkg/scaling/scalers_builder.go").write_text(_BUILDER, encoding="utf-8")
    for name in ("activemq_scaler.go", "azure_queue_scaler.go", "scaler_test.go", *set(KEPT_TRIGGERS.values())):
        (root / "pkg/scalers" / name).write_text(
            f"package scalers\n\n{constant}\n".replace("const ", "\t"), encoding="utf-8"
        )
    return root


def test_only_the_kept_triggers_stay(tmp_path: Path) -> None:
    """Scalers and switch cases of other triggers go, the rest stays as it is."""
    target = tmp_path / "trimmed"
    trim(_module(tmp_path / "keda"), target)
    assert {path.name for path in (target / "pkg/scalers").glob("*_scaler.go")} == set(KEPT_TRIGGERS.values())
    builder = (target / "pkg/scaling/scalers_builder.go").read_text(encoding="utf-8")
    assert "NewPrometheusScaler" in builder
    assert "NewActiveMQScaler" not in builder
    assert builder.endswith("\tdefault:\n\t\treturn nil\n\t}\n}\n")
    assert 'const externalMetricType = "External"' in (target / "pkg/scalers/constants.go").read_text(encoding="utf-8")


def test_a_source_of_another_shape_is_refused(tmp_path: Path) -> None:
    """Where KEDA's source has changed, the error names the file to update."""
    with pytest.raises(ValueError, match=r"update k8s/keda/trim\.py"):
        trim(_module(tmp_path / "keda", constant=""), tmp_path / "trimmed")
