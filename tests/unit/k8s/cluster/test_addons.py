from pathlib import Path

import pytest
import yaml

from k8s.cluster.addons import AddOns
from k8s.cluster.descriptor import ADD_ONS
from k8s.cluster.kind import Kind
from k8s.cluster.steps import Steps
from k8s.ingress.controllers import CONTOUR, CONTROLLERS, INGRESS_NGINX, TRAEFIK, Controller

# Writes down how it was called. There is a certificate already.
_PROGRAM = """#!/bin/sh
echo "$(basename "$0") $*" >>"$(dirname "$0")/calls"
case "$*" in *"get secret"*) echo secret/gateway-certificate;; esac
"""
_CHART = next(add_on for add_on in ADD_ONS if add_on.name == "ingress-nginx")


def _installed(folder: Path, controller: Controller, *, from_charts: bool, program: str = _PROGRAM) -> list[str]:
    """Install by programs that only write down, and wait; gives their command lines."""
    for name in ("kubectl", "helm"):
        (folder / name).write_text(program)
        (folder / name).chmod(0o755)
    for add_on in ADD_ONS:
        if add_on.upstream:
            (folder / add_on.upstream.module / add_on.upstream.folder).mkdir(parents=True, exist_ok=True)
    steps = Steps(folder / "out")
    add_ons = AddOns(Kind(folder, steps), steps, controller, lambda module, _: folder / module, 1)
    add_ons.apply(from_charts=from_charts)
    add_ons.wait()
    return (folder / "calls").read_text().splitlines()


def _place(calls: list[str], *words: str) -> int:
    """Tell where the one call with these words is."""
    (place,) = [place for place, call in enumerate(calls) if all(word in call for word in words)]
    return place


def _kustomization(folder: Path) -> dict[str, object]:
    text = (folder / "out" / "add-ons" / "ingress" / "kustomization.yaml").read_text(encoding="utf-8")
    read: dict[str, object] = yaml.safe_load(text)
    return read


def test_ingress_nginx_takes_the_ports_that_traefik_lets_go(tmp_path: Path) -> None:
    """Traefik's manifests come first, less what they have for Ingresses; then the rest of that goes, then the chart."""
    calls = _installed(tmp_path, INGRESS_NGINX, from_charts=True)
    assert _kustomization(tmp_path)["components"] == ["with-nginx"]
    assert _CHART.chart
    traefik = _place(calls, "kustomize", "add-ons/ingress")
    left = _place(calls, "delete ingress ready --namespace ingress --ignore-not-found")
    chart = _place(calls, "helm", "upgrade --install ingress-nginx ingress-nginx", f"--version {_CHART.chart.version}")
    assert traefik < left < chart
    assert "--namespace ingress " in calls[chart]
    assert str(_CHART.folder / "ingress-nginx.values.yaml") in calls[chart]
    assert chart < _place(calls, "wait", "ingress-nginx-admission")
    assert not [call for call in calls if "uninstall" in call]


def test_traefik_gets_them_back(tmp_path: Path) -> None:
    """Ingress-nginx, with its webhook, is gone before Traefik's manifests come."""
    calls = _installed(tmp_path, TRAEFIK, from_charts=True)
    assert "components" not in _kustomization(tmp_path)
    gone = _place(calls, "helm", "uninstall ingress-nginx --ignore-not-found --wait --namespace ingress")
    assert gone < _place(calls, "kustomize", "add-ons/ingress")
    assert not [call for call in calls if "upgrade --install ingress-nginx" in call or "nginx-admission" in call]


def test_what_is_built_knows_no_chart(tmp_path: Path) -> None:
    """Where images are built no chart is installed, nor looked for to remove it."""
    calls = _installed(tmp_path, TRAEFIK, from_charts=False)
    assert not [call for call in calls if call.startswith("helm ")]
    assert "components" not in _kustomization(tmp_path)


@pytest.mark.parametrize("controller", CONTROLLERS, ids=lambda one: one.choice)
def test_each_chart_is_in_the_namespace_of_its_add_on(tmp_path: Path, controller: Controller) -> None:
    """A chart's release is where its add-on says that it is waited for, or in a namespace of its own name."""
    calls = _installed(tmp_path, controller, from_charts=True)
    for add_on in ADD_ONS:
        if add_on.chart and add_on.ingress in {"", controller.choice}:
            call = calls[_place(calls, f"upgrade --install {add_on.name} ")]
            assert f"--namespace {add_on.namespace or add_on.name} --create-namespace" in call


def test_a_certificate_is_made_once(tmp_path: Path) -> None:
    """Whoever trusts the Gateway's may go on doing so; and its key is in no log."""
    assert not [call for call in _installed(tmp_path, TRAEFIK, from_charts=False) if "create --filename" in call]
    (tmp_path / "calls").unlink()
    calls = _installed(tmp_path, TRAEFIK, from_charts=False, program=_PROGRAM.partition("case")[0])
    rendered = _place(calls, "helm", "template gateway-certificate", "--namespace ingress --output-dir /")
    folder = calls[rendered].split()[-1]
    assert rendered < _place(calls, f"create --filename {folder} --recursive")


def test_contour_comes_after_its_kinds_and_after_the_ports_are_free(tmp_path: Path) -> None:
    """Traefik lets go of the ports first, and no object of Contour's is refused for want of its kind."""
    calls = _installed(tmp_path, CONTOUR, from_charts=False)
    assert _kustomization(tmp_path)["components"] == ["with-contour"]
    established = _place(calls, "wait crd extensionservices.projectcontour.io --for=condition=Established")
    assert _place(calls, "kustomize", "add-ons/ingress") < established
    (contour,) = [place for place, call in enumerate(calls) if call.endswith("add-ons/contour")]
    assert established < contour
    assert not [call for call in calls if "delete deployment,service" in call]


def test_traefik_gets_the_ports_of_contour_back(tmp_path: Path) -> None:
    """Contour's objects are gone before Traefik's manifests come; its kinds stay."""
    calls = _installed(tmp_path, TRAEFIK, from_charts=False)
    gone = _place(calls, "delete deployment,service contour --namespace ingress --ignore-not-found")
    assert gone < _place(calls, "kustomize", "add-ons/ingress")
