"""The manifests of the way in, as kustomize makes them for each controller."""

import base64
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from k8s.ingress.controllers import NAMESPACE, NODE_PORT
from tests.chart.conftest import ROOT, run

FOLDER = ROOT / "k8s" / "ingress"
Objects = dict[tuple[str, str], Any]


def _objects(folder: Path) -> Objects:
    manifests = yaml.safe_load_all(run("kubectl", "kustomize", folder).stdout)
    return {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in manifests}


@pytest.fixture(scope="module")
def alone() -> Objects:
    """Traefik for Ingresses and the Gateway."""
    return _objects(FOLDER)


@pytest.fixture(scope="module")
def with_nginx(tmp_path_factory: pytest.TempPathFactory) -> Objects:
    """Traefik beside ingress-nginx."""
    folder = tmp_path_factory.mktemp("with-nginx") / "ingress"
    shutil.copytree(FOLDER, folder)
    with (folder / "kustomization.yaml").open("a") as stream:
        stream.write("components: [with-nginx]\n")
    return _objects(folder)


def test_traefik_leaves_ingresses_to_ingress_nginx(alone: Objects, with_nginx: Objects) -> None:
    """Beside ingress-nginx it has no provider for Ingresses and no Ingress of its own, and all else as it had."""
    assert set(alone) - set(with_nginx) == {("Ingress", "ready")}
    assert not set(with_nginx) - set(alone)
    arguments, fewer = (_container(objects)["args"] for objects in (alone, with_nginx))
    assert [each for each in arguments if each not in fewer] == [
        "--providers.kubernetesingressnginx=true",
        "--providers.kubernetesingressnginx.upstreamkeepalivetimeout=2",
    ]
    assert not [each for each in fewer if each not in arguments or "ingressnginx" in each]
    changed = {name for name, manifest in with_nginx.items() if manifest != alone[name]}
    assert changed == {("Deployment", "traefik"), ("Service", "traefik")}


def test_it_is_ready_without_an_ingress(alone: Objects, with_nginx: Objects) -> None:
    """Its startup probe asks what its routes answer: the Ingress leads to /ping, and the HTTPRoute has that too."""
    assert _container(alone)["startupProbe"]["httpGet"]["path"] == "/ready"
    (rule,) = with_nginx["HTTPRoute", "ready"]["spec"]["rules"]
    (match,) = rule["matches"]
    assert _container(with_nginx)["startupProbe"]["httpGet"]["path"] == match["path"]["value"]


def test_both_have_ports_of_their_own(alone: Objects, with_nginx: Objects) -> None:
    """What the host's port leads to is Traefik's alone, or free for ingress-nginx."""
    ports = [
        {port["nodePort"] for port in objects["Service", "traefik"]["spec"]["ports"]} for objects in (alone, with_nginx)
    ]
    assert NODE_PORT in ports[0]
    assert not ports[0] & ports[1]


def test_the_ingress_class_is_there_for_either(alone: Objects, with_nginx: Objects) -> None:
    """An Ingress of class nginx is for whoever calls itself as ingress-nginx does."""
    for objects in (alone, with_nginx):
        assert objects["IngressClass", "nginx"]["spec"]["controller"] == "k8s.io/ingress-nginx"


def _container(objects: Objects) -> Any:  # noqa: ANN401 - YAML
    (container,) = objects["Deployment", "traefik"]["spec"]["template"]["spec"]["containers"]
    return container


def test_the_gateways_certificate_is_one_that_programs_read() -> None:
    """It is for localhost, on a curve that it names, and has its own key; another rendering makes another one."""

    def made() -> dict[str, Any]:
        place = ("gateway-certificate", FOLDER / "certificate", "--namespace", NAMESPACE)
        secret: dict[str, Any] = yaml.safe_load(run("helm", "template", *place).stdout)
        return secret

    secret = made()
    assert (secret["type"], secret["metadata"]) == (
        "kubernetes.io/tls",
        {"name": "gateway-certificate", "namespace": NAMESPACE},
    )
    certificate = x509.load_pem_x509_certificate(base64.b64decode(secret["data"]["tls.crt"]))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "*.localhost"]
    public = certificate.public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    assert public.curve.name == "secp256r1"
    key = load_pem_private_key(base64.b64decode(secret["data"]["tls.key"]), password=None)
    assert key.public_key() == public
    certificate.verify_directly_issued_by(certificate)
    assert made()["data"] != secret["data"]
