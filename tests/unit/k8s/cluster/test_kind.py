import os
import subprocess
from pathlib import Path

from k8s.cluster.descriptor import FOLDERS
from k8s.cluster.kind import held_images

_LISTING = """REF TYPE DIGEST SIZE PLATFORMS LABELS
localhost/redis:local application/vnd.docker.distribution.manifest.v2+json sha256:aa 36.7 MiB linux/amd64 -
localhost/users-api:dev application/vnd.docker.distribution.manifest.v2+json sha256:bb 41.0 MiB linux/amd64 -
sha256:11 application/vnd.docker.distribution.manifest.v2+json sha256:aa 36.7 MiB linux/amd64 -
sha256:22 application/vnd.docker.distribution.manifest.v2+json sha256:bb 41.0 MiB linux/amd64 -
sha256:33 application/vnd.docker.distribution.manifest.v2+json sha256:cc 41.0 MiB linux/amd64 -
"""


def test_an_image_that_a_node_has_by_name_and_id_is_held() -> None:
    """What need not be loaded again is told from what the engine has built anew under the same name."""
    ids = {
        "localhost/redis:local": "sha256:11",
        "localhost/users-api:dev": "sha256:33",
        "localhost/keda:local": "sha256:44",
    }
    assert held_images(_LISTING, ids) == {"localhost/redis:local"}


def test_an_image_under_another_name_is_not_held() -> None:
    """Its layers are there, but a pod that asks for it by this name would not find it."""
    assert held_images(_LISTING, {"localhost/users-api:1": "sha256:22"}) == set()


def test_an_id_of_the_containerd_image_store_is_the_digest_of_the_node() -> None:
    """There the engine's id is the manifest's or the index's, which the node lists as the digest of the name."""
    assert held_images(_LISTING, {"localhost/redis:local": "sha256:aa", "localhost/users-api:dev": "sha256:ff"}) == {
        "localhost/redis:local"
    }


def test_a_cluster_of_another_name_is_all_that_make_changes(tmp_path: Path) -> None:
    """The name is said in kind-config.yaml alone: kind, kubectl and Helm have it from there."""
    for entry in FOLDERS.parent.iterdir():
        if entry.name not in (".venv", "build", "kind-config.yaml"):
            (tmp_path / entry.name).symlink_to(entry)
    config = (FOLDERS.parent / "kind-config.yaml").read_text(encoding="utf-8")
    (tmp_path / "kind-config.yaml").write_text(config.replace("\nname: users-api\n", "\nname: second\n"))
    command = ("make", "--dry-run", "up", "uninstall")
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    said = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True).stdout
    assert said.count("--kube-context kind-second ") == said.count("--kube-context ") > 1
    assert said.count("--context kind-second ") == said.count(" --context ") > 1
