"""A volume that can be full: the local cluster's own volumes are as large as the disk of the host."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.e2e.helm import run
from tests.e2e.release import Release

NAME = "chaos-small"
FOLDER = f"/var/{NAME}"
# It counts as memory of the server's container.
MEBIBYTES = 192
# Of the image of the local cluster.
POSTGRES_USER = 999


@contextmanager
def small_volume(release: Release, node: str) -> Iterator[str]:
    """Have a claim of a volume in the node's memory for as long as the block lasts, and then no pod that uses it."""
    options = f"size={MEBIBYTES}m,uid={POSTGRES_USER},gid={POSTGRES_USER},mode=0700"
    _on(node, f"mkdir -p {FOLDER} && mount -t tmpfs -o {options} tmpfs {FOLDER}")
    try:
        release.make_namespace()
        release.kubectl("apply", "--filename", "-", stdin=json.dumps(_objects(release.namespace, node)))
        yield NAME
    finally:
        release.uninstall()
        release.kubectl("delete", "persistentvolumeclaim", NAME, "--ignore-not-found")
        release.kubectl("delete", "persistentvolume", NAME, "--ignore-not-found")
        _on(node, f"umount {FOLDER}")


@contextmanager
def filled(node: str) -> Iterator[None]:
    """Have no room on it for as long as the block lasts."""
    _on(node, f"dd if=/dev/zero of={FOLDER}/fill bs=64k 2>/dev/null; true")
    try:
        yield
    finally:
        _on(node, f"rm {FOLDER}/fill")


def _on(node: str, script: str) -> None:
    run("docker", "exec", node, "sh", "-c", script)


def _objects(namespace: str, node: str) -> dict[str, Any]:
    size = f"{MEBIBYTES}Mi"
    of_node = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": NAME},
        "spec": {
            "capacity": {"storage": size},
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": NAME,
            "persistentVolumeReclaimPolicy": "Retain",
            "local": {"path": FOLDER},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [of_node]}]}},
        },
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": NAME, "namespace": namespace},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "storageClassName": NAME,
            "volumeName": NAME,
            "resources": {"requests": {"storage": size}},
        },
    }
    return {"apiVersion": "v1", "kind": "List", "items": [volume, claim]}
