from collections.abc import Iterator
from typing import Any

import pytest
import yaml
from kubernetes import client

from k8s.client.waiting import wait_until
from tests.e2e.own_release import SMALL, OwnRelease, at_once
from tests.e2e.release import image_tag, merged
from tests.umbrella import ROOT, build

pytestmark = pytest.mark.e2e

RELEASE = "shop"
ALIASES = ("users", "accounts")
KIND: dict[str, Any] = yaml.safe_load((ROOT / "chart" / "values-kind.yaml").read_text(encoding="utf-8"))


def values() -> dict[str, Any]:
    """Small ones for each alias, and the image under test for all."""
    image = f"localhost/users-api:{image_tag()}"
    small = merged(merged(KIND, SMALL), {"image": {"tag": image_tag()}, "dashboards": {"enabled": False}})
    return {**dict.fromkeys(ALIASES, small), "neighbour": {"image": image}}


@pytest.fixture(scope="module")
def umbrellas(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The umbrella chart as each Helm packages it."""
    folder = tmp_path_factory.mktemp("umbrella")
    return {binary: str(build(folder / binary, binary)) for binary in ("helm", "helm4")}


@pytest.fixture(scope="module")
def shops(api: client.ApiClient, umbrellas: dict[str, str]) -> Iterator[list[OwnRelease]]:
    """The umbrella of two aliases and a neighbour, installed by Helm 3 and by Helm 4."""
    releases = [OwnRelease(api, f"umbrella-by-{binary}", binary) for binary in umbrellas]

    def install(shop: OwnRelease) -> None:
        shop.name = RELEASE
        flags = ("--values", "-", "--wait", "--timeout", "3m")
        shop.helm("install", RELEASE, umbrellas[shop.binary], *flags, values=values())

    try:
        at_once(releases, install)
        yield releases
    finally:
        at_once(releases, OwnRelease.remove)


def test_all_pods_are_ready(shops: list[OwnRelease]) -> None:
    """Both aliases, their Redis and the neighbour run, each with pods of its own."""
    for shop in shops:
        shop.wait_for_rollout()
        pods = shop.core.list_namespaced_pod(shop.namespace).items
        names = {pod.metadata.labels["app.kubernetes.io/name"] for pod in pods}
        assert names == {"users", "users-redis", "accounts", "accounts-redis", "neighbour"}
        assert all(status.ready for pod in pods for status in pod.status.container_statuses)


def test_helm_test_passes_in_every_chart(shops: list[OwnRelease]) -> None:
    """`helm test` passes: each alias answers, with a Redis of its own, and the neighbour is cut off by no policy."""

    def check(shop: OwnRelease) -> None:
        said = shop.helm("test", RELEASE, "--timeout", "3m")
        assert "Failed" not in said
        assert f"{RELEASE}-neighbour-test" in said
        assert all(f"{RELEASE}-{alias}-test-redis" in said for alias in ALIASES)

    at_once(shops, check)


def test_an_alias_that_is_turned_off_goes_alone(shops: list[OwnRelease], umbrellas: dict[str, str]) -> None:
    """`accounts.enabled=false` takes that alias with all that it had, its password too, and nothing of the other."""

    def check(shop: OwnRelease) -> None:
        flags = ("--values", "-", "--set", "accounts.enabled=false", "--wait", "--timeout", "3m")
        before = {name for name in shop.objects() if "users" in name and not name.startswith(("pod", "endpoint"))}
        shop.helm("upgrade", RELEASE, umbrellas[shop.binary], *flags, values=values())
        wait_until(
            lambda: [name for name in shop.objects() if "accounts" in name], lambda left: not left, 90, "no accounts"
        )
        assert before <= shop.objects()

    at_once(shops, check)


def test_uninstall_leaves_nothing(shops: list[OwnRelease]) -> None:
    """After `helm uninstall` the namespace is as empty as a new one."""

    def check(shop: OwnRelease) -> None:
        shop.helm("uninstall", RELEASE, "--wait", "--timeout", "2m")
        wait_until(shop.objects, lambda left: not left, 60, "an empty namespace")

    at_once(shops, check)
