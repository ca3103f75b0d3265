import gzip
from pathlib import Path

import pytest

from k8s.alertmanager import trim as alertmanager
from k8s.cluster import binaries, groups
from k8s.jaeger import trim as jaeger

_FACTORY = Path("internal/storage/v1/factory/factory.go")
_STORES = ("badger", "cassandra", "elasticsearch", "grpc", "kafka", "memory")


def _jaeger(root: Path, stores: tuple[str, ...] = _STORES) -> Path:
    imports = "".join(f'\t"github.com/jaegertracing/jaeger/internal/storage/v1/{name}"\n' for name in stores)
    cases = "".join(f"\tcase {name}StorageType:\n\t\treturn {name}.NewFactory(), nil\n" for name in stores)
    (root / _FACTORY).parent.mkdir(parents=True)
    (root / _FACTORY).write_text(f"import (\n{imports})\n\nswitch t {{\n{cases}\tdefault:\n}}\n", encoding="utf-8")
    (root / _FACTORY).with_name("factory_test.go").touch()
    return root


def test_jaeger_keeps_the_store_in_memory_alone(tmp_path: Path) -> None:
    """The other stores are neither imported nor chosen, and tests are not copied."""
    jaeger.trim(_jaeger(tmp_path / "jaeger"), tmp_path / "trimmed")
    text = (tmp_path / "trimmed" / _FACTORY).read_text(encoding="utf-8")
    assert 'storage/v1/memory"' in text
    assert "case memoryStorageType:\n\t\treturn memory.NewFactory(), nil\n\tdefault:" in text
    assert not [name for name in _STORES if name != "memory" and name in text]
    assert not list((tmp_path / "trimmed").rglob("*_test.go"))


def test_a_jaeger_of_another_shape_is_refused(tmp_path: Path) -> None:
    """Where a store's case is missing the error names the file to update."""
    with pytest.raises(ValueError, match=r"update k8s/jaeger/trim\.py"):
        jaeger.trim(_jaeger(tmp_path / "jaeger", ("memory",)), tmp_path / "trimmed")


def _alertmanager(root: Path, *, embedded: str = "//go:embed app/dist") -> Path:
    (root / "cmd" / "alertmanager").mkdir(parents=True)
    (root / "cmd" / "alertmanager" / "main.go").write_text("memlimit.SetGoMemLimitWithOpts()", encoding="utf-8")
    (root / "ui" / "app").mkdir(parents=True)
    (root / "ui" / "web.go").write_text(f"{embedded}\n", encoding="utf-8")
    return root


def test_alertmanager_has_a_page_to_embed(tmp_path: Path) -> None:
    """What the compiler wants to embed is there, and says where the API is."""
    alertmanager.trim(_alertmanager(tmp_path / "source"), tmp_path / "trimmed")
    page = (tmp_path / "trimmed/ui/app/dist/index.html.gz").read_bytes()
    assert b"api/v2/alerts" in gzip.decompress(page)
    assert (tmp_path / "trimmed/cmd/alertmanager/main.go").read_text(encoding="utf-8") == "memlimit.Set()"


def test_an_alertmanager_of_another_shape_is_refused(tmp_path: Path) -> None:
    """Where its interface is embedded from elsewhere the error names the file to update."""
    with pytest.raises(ValueError, match=r"update k8s/alertmanager/trim\.py"):
        alertmanager.trim(_alertmanager(tmp_path / "source", embedded=""), tmp_path / "trimmed")


def test_each_group_has_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change to one group's sources leaves the others' binaries where they are."""
    monkeypatch.setattr(binaries, "_go_version", lambda: "go1.999.0")  # whoever pulls images has none
    keys = [binaries.key(group) for group in (*groups.GROUPS, groups.HOST_GROUP)]
    assert len(set(keys)) == len(keys)
