from pathlib import Path

import pytest

from k8s.contour import trim

_PLACES = {
    "internal/dag/ingress_processor.go": (
        "\t\t// should we create port 80 routes for this ingress\n\t\t\tvhost.AddRoute(r)\n\t\t\tsvh.AddRoute(r)\n"
    ),
    "internal/envoy/v3/tracing.go": (
        "import (\n)\n\t\t\tValue: tracing.OverallSampling,\n"
        "\t\t\t\t\tServiceName: tracing.ServiceName,\nfunc customTag(\n"
    ),
    "internal/envoy/v3/route.go": (
        "import (\n)\n\trp.PerTryTimeout = envoy.Timeout(r.RetryPolicy.PerTryTimeout)\n"
        "\t\t\t\tHttpsRedirect: true,\n\t\t\t},\n"
    ),
}


def _module(root: Path, *, times: int) -> Path:
    for name, text in _PLACES.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text * times, encoding="utf-8")
    return root


def test_each_route_of_an_ingress_has_the_rules(tmp_path: Path) -> None:
    """Routes for HTTP and for HTTPS come of the rules, which are put beside, and the next try is of another pod."""
    target = tmp_path / "trimmed"
    trim.trim(_module(tmp_path / "module", times=1), target)
    routes = (target / "internal/dag/ingress_processor.go").read_text(encoding="utf-8")
    assert routes.count("range routes") == 2
    assert "AddRoute(r)" not in routes
    assert "previous_hosts" in (target / "internal/envoy/v3/route.go").read_text(encoding="utf-8")
    tracing = (target / "internal/envoy/v3/tracing.go").read_text(encoding="utf-8")
    assert "Sampler:     parentBased(tracing.OverallSampling)" in tracing
    assert (target / "internal/dag/nginx.go").read_bytes() == trim.RULES.read_bytes()


@pytest.mark.parametrize("times", [0, 2])
def test_a_source_of_another_shape_is_refused(tmp_path: Path, times: int) -> None:
    """Where a place is not there, or there twice, the error names it and the file to update."""
    with pytest.raises(ValueError, match=r"update .*k8s/contour/trim\.py"):
        trim.trim(_module(tmp_path / "module", times=times), tmp_path / "trimmed")
