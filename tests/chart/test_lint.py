from pathlib import Path

from tests.chart.conftest import KUBERNETES, first_rendering, rendering, run, template


def test_helm_finds_nothing_to_object_to(helm: str, values: list[Path]) -> None:
    """`helm lint --strict` passes with each values file."""
    run(helm, "lint", "--strict", "--kube-version", KUBERNETES, "chart", *(f"--values={path}" for path in values))


def test_helm_3_and_4_render_alike(values: list[Path]) -> None:
    """Both Helms render the same objects."""

    def rendered(helm: str) -> dict[str, object]:
        manifests = template(helm, values, {})
        return {f"{m['kind']}/{m['metadata']['name']}": m for m in manifests}

    assert rendered("helm") == rendered("helm4")


def test_two_renderings_are_the_same(helm: str, values: list[Path]) -> None:
    """Byte for byte: nothing is drawn or looked up while rendering, so Argo CD and Flux change nothing by looking."""
    before = first_rendering(helm, tuple((path, path.read_bytes()) for path in values), ())
    assert rendering(helm, values, {}) == before


def test_package_holds_a_chart_and_nothing_else(helm: str, tmp_path: Path) -> None:
    """The packaged chart has what Helm reads, its values files, its README, and what its templates take in."""
    run(helm, "package", "chart", "--destination", tmp_path)
    (archive,) = tmp_path.iterdir()
    names = run("tar", "--list", "--gzip", "--file", archive).stdout.split()
    assert {name.split("/")[1] for name in names} == {
        *(".helmignore", "Chart.yaml", "README.md", "templates", "files", "dashboards"),
        *("values.yaml", "values.schema.json"),
        *("values-app.yaml", "values-demo.yaml", "values-kind.yaml", "values-production.yaml"),
    }
