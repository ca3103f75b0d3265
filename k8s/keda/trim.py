"""Cuts KEDA's source down to the triggers that are used here.

KEDA links one scaler for each of 70 systems, and with them the SDK of each
cloud: 3,348 packages. With these five triggers it is 1,556, and the build
goes from 6 min 46 s to half a minute. Nothing else of it is changed.
"""

import re
import shutil
from pathlib import Path

KEPT_TRIGGERS = {
    "cpu": "cpu_memory_scaler.go",
    "memory": "cpu_memory_scaler.go",
    "prometheus": "prometheus_scaler.go",
    "cron": "cron_scaler.go",
    "kubernetes-workload": "kubernetes_workload_scaler.go",
}
_FOLDERS = ("apis", "cmd", "controllers", "pkg", "schema", "version")
_CASE = re.compile(r'(?m)^(?=\tcase "|\tdefault:)')
# Declared beside the Azure queue scaler, used by all of them.
_SHARED_CONSTANT = re.compile(r'^\s*externalMetricType\s*=\s*"\w+"', re.MULTILINE)


def trim(module: Path, target: Path) -> None:
    """Copy the KEDA module to `target` without the scalers that no kept trigger needs.

    Raises:
        ValueError: the source no longer has the shape this expects; says where.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    for name in (*_FOLDERS, "go.mod", "go.sum"):
        source = module / name
        if source.is_dir():
            shutil.copytree(
                source, target / name, ignore=shutil.ignore_patterns("*_test.go"), copy_function=shutil.copyfile
            )
        else:
            shutil.copyfile(source, target / name)
    for folder in [target, *filter(Path.is_dir, target.rglob("*"))]:
        folder.chmod(0o755)  # the module cache is read-only, and copytree copies that
    scalers = target / "pkg" / "scalers"
    constant = _SHARED_CONSTANT.search((scalers / "azure_queue_scaler.go").read_text(encoding="utf-8"))
    if constant is None:
        message = "KEDA's azure_queue_scaler.go declares no externalMetricType any more: update k8s/keda/trim.py"
        raise ValueError(message)
    for scaler in scalers.glob("*_scaler.go"):
        if scaler.name not in KEPT_TRIGGERS.values():
            scaler.unlink()
    (scalers / "constants.go").write_text(f"package scalers\n\nconst {constant.group().strip()}\n", encoding="utf-8")
    _drop_cases(target / "pkg" / "scaling" / "scalers_builder.go")


def _drop_cases(builder: Path) -> None:
    head, switch, cases = builder.read_text(encoding="utf-8").partition("switch triggerType {")
    if not switch:
        message = "KEDA's scalers_builder.go switches on triggerType no more: update k8s/keda/trim.py"
        raise ValueError(message)
    kept = [part for part in _CASE.split(cases) if _is_kept(part)]
    builder.write_text(head + switch + "".join(kept), encoding="utf-8")


def _is_kept(part: str) -> bool:
    case = re.match(r'\tcase "([^"]+)"', part)
    return case is None or case.group(1) in KEPT_TRIGGERS
