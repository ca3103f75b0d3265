import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from k8s.cluster.descriptor import FOLDERS
from k8s.cluster.ingress import CHOICES, choose, look
from k8s.cluster.kind import CONFIG, Kind
from k8s.cluster.steps import StepError, Steps
from k8s.ingress.controllers import CONTOUR, INGRESS_NGINX, NODE_PORT, TRAEFIK, Controller, serving


def _nothing() -> Controller | None:
    return None


def _never() -> Controller | None:
    raise AssertionError


def test_each_controller_can_be_chosen() -> None:
    """INGRESS has a word for each, and one that leaves it open."""
    assert CHOICES == ("auto", "traefik", "nginx", "contour")


_WAYS = [(False, TRAEFIK), (False, INGRESS_NGINX), (True, TRAEFIK), (True, CONTOUR)]


@pytest.mark.parametrize(("build", "controller"), _WAYS)
def test_the_user_may_choose(controller: Controller, *, build: bool) -> None:
    """What the user says is taken, whatever the cluster has."""
    assert choose(controller.choice, build=build, present=_never) is controller


@pytest.mark.parametrize(("build", "controller"), _WAYS)
def test_a_cluster_keeps_its_controller(controller: Controller, *, build: bool) -> None:
    """Who says nothing the second time has not chosen another."""
    assert choose("auto", build=build, present=lambda: controller) is controller


def test_a_new_cluster_of_pulled_images_has_ingress_nginx() -> None:
    """By default it is the controller that the Ingress' annotations are of."""
    assert choose("auto", build=False, present=_nothing) is INGRESS_NGINX


def test_a_new_cluster_from_source_has_contour() -> None:
    """Of those that can be built it is the cheapest."""
    assert choose("auto", build=True, present=_nothing) is CONTOUR


@pytest.mark.parametrize(
    ("build", "wanted", "reason"),
    [(True, "nginx", "cannot be built"), (False, "contour", "repeats requests that it must not")],
)
def test_what_cannot_be_had_is_refused(wanted: str, reason: str, *, build: bool) -> None:
    """Who asks for a controller that is only pulled, or only built, hears it at once, with the page and what to do."""
    with pytest.raises(StepError, match=rf"INGRESS={wanted}: .*{reason}.*Leave INGRESS out") as raised:
        choose(wanted, build=build, present=_never)
    (page,) = re.findall(r"docs/decisions/\S+\.md", str(raised.value))
    assert (FOLDERS.parent / page).exists()


def _service(name: str, *ports: int) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"ports": [{"port": 80, "nodePort": port} for port in ports]}}


def test_who_has_the_port_serves_the_ingress() -> None:
    """With ingress-nginx Traefik is there too, at ports of its own."""
    admission = {"metadata": {"name": "ingress-nginx-controller-admission"}, "spec": {"ports": [{"port": 443}]}}
    beside = [admission, _service("traefik", 30081, 30444), _service("ingress-nginx-controller", NODE_PORT, 30443)]
    assert serving(beside) is INGRESS_NGINX
    assert serving([_service("traefik", NODE_PORT, 30443)]) is TRAEFIK
    assert serving([]) is None
    assert serving([_service("another", NODE_PORT)]) is None


def _kubectl(folder: Path, script: str) -> Kind:
    program = folder / "kubectl"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return Kind(folder, Steps(folder / "out"))


def test_the_cluster_is_asked_for_its_services(tmp_path: Path) -> None:
    """What kubectl lists in the namespace of the way in tells the controller."""
    listed = '{"items": [{"metadata": {"name": "traefik"}, "spec": {"ports": [{"nodePort": 30080}]}}]}'
    kind = _kubectl(tmp_path, f"case \"$*\" in *'get services --namespace ingress'*) echo '{listed}';; esac")
    assert look(kind) is TRAEFIK


def test_a_cluster_that_does_not_answer_has_none(tmp_path: Path) -> None:
    """What is broken is made anew, and gets what a new one has."""
    assert look(_kubectl(tmp_path, "exit 1")) is None


def test_each_controller_has_the_ports_that_the_host_s_lead_to() -> None:
    """The manifests of both name the node ports of kind-config.yaml, and with ingress-nginx Traefik has others."""
    mapped = [int(port) for port in re.findall(r"containerPort: (\d+)", CONFIG.read_text(encoding="utf-8"))]
    assert mapped[0] == NODE_PORT
    service = yaml.safe_load((FOLDERS / "ingress" / "service.yaml").read_text(encoding="utf-8"))
    assert [port["nodePort"] for port in service["spec"]["ports"]] == mapped
    assert list(_values()["controller"]["service"]["nodePorts"].values()) == mapped
    component = (FOLDERS / "ingress" / "with-nginx" / "kustomization.yaml").read_text(encoding="utf-8")
    moved = {int(port) for port in re.findall(r"op: replace, path: /spec/ports/\d/nodePort, value: (\d+)", component)}
    assert len(moved) == len(mapped)
    assert not moved & set(mapped)


def test_both_controllers_are_on_the_node_with_the_ports() -> None:
    """Two pods of each are where the host's ports lead, and may be there."""
    deployment = yaml.safe_load((FOLDERS / "ingress" / "deployment.yaml").read_text(encoding="utf-8"))["spec"]
    controller = _values()["controller"]
    pod = deployment["template"]["spec"]
    assert controller["replicaCount"] == deployment["replicas"]
    assert controller["nodeSelector"] == pod["nodeSelector"]
    assert controller["tolerations"] == pod["tolerations"]
    assert controller["updateStrategy"]["rollingUpdate"] == deployment["strategy"]["rollingUpdate"]


def test_ingress_nginx_has_time_to_drain() -> None:
    """What it waits for at its end, one after another, is over before it is killed."""
    controller = _values()["controller"]
    workers = int(controller["config"]["worker-shutdown-timeout"].removesuffix("s"))
    after_them = 10  # --post-shutdown-grace-period's default
    waits = int(controller["extraArgs"]["shutdown-grace-period"]) + workers + after_them
    assert waits < controller["terminationGracePeriodSeconds"]


def _values() -> dict[str, Any]:
    text = (FOLDERS / "ingress-nginx" / "ingress-nginx.values.yaml").read_text(encoding="utf-8")
    values: dict[str, Any] = yaml.safe_load(text)
    return values
