"""What `make tune` writes is a values file that the chart takes."""

from pathlib import Path

import pytest
import yaml

from loadtests.simulate.settings import values
from loadtests.tune.budget import connections
from loadtests.tune.report import values_file
from loadtests.tune.sizing import Measured, Stated, cpu, memory, replicas, target_per_replica
from tests.chart.conftest import CHART, Render, find

MEASURED = Measured(120, 30, "as stated", cpu_millicores=412, memory_mebibytes=71)


@pytest.mark.parametrize("peak", [50, 1_000, 20_000])
@pytest.mark.parametrize("release", ["values-kind.yaml", "values-production.yaml"])
def test_tuned_values_render(release: str, peak: float, render: Render, tmp_path: Path) -> None:
    """The connections fit, however many replicas the peak needs, and the Deployment asks for what it takes."""
    stated = Stated(peak, peak / 10)
    fewest, most = replicas(stated, MEASURED)
    written = [
        target_per_replica(stated, MEASURED),
        *cpu(stated, MEASURED),
        *memory(MEASURED),
        fewest,
        most,
        *connections(values(release), int(most.value)),
    ]
    tuned = tmp_path / "values.yaml"
    tuned.write_text(values_file(written), encoding="utf-8")
    objects = render(CHART / release, tuned)
    scaler = find(objects, "ScaledObject")["spec"]
    assert (scaler["minReplicaCount"], scaler["maxReplicaCount"]) == (fewest.value, most.value)
    (container, *_) = find(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert container["resources"] == yaml.safe_load(tuned.read_text())["resources"]
