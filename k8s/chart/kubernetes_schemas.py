"""Writes the JSON Schemas that kubeconform holds the chart's objects to, one file a kind, into a folder.

They are made of what the cluster itself is made of: the OpenAPI of the pinned Kubernetes, and the CRDs of the operators
whose kinds the chart has. Both lie in Go modules, which `go mod download` checks against Go's checksum database.
"""

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

COMPONENTS = Path(__file__).resolve().parents[1] / "components" / "go.mod"
# Version None: the one that the local cluster is built from.
KUBERNETES = ("k8s.io/kubernetes", None)
CRDS = (
    ("github.com/kedacore/keda/v2", None, "config/crd/bases/keda.sh_*.yaml"),
    ("github.com/cert-manager/cert-manager", "v1.21.2", "deploy/crds/cert-manager.io_*.yaml"),
    ("sigs.k8s.io/gateway-api", "v1.6.3", "config/crd/standard/gateway.networking.k8s.io_*.yaml"),
    # For the field `retry`, which is in the Standard channel from 1.7 on.
    ("sigs.k8s.io/gateway-api", "v1.6.3", "config/crd/experimental/gateway.networking.k8s.io_httproutes.yaml"),
    ("github.com/cloudnative-pg/cloudnative-pg", "v1.30.0", "config/crd/bases/postgresql.cnpg.io_*.yaml"),
    ("github.com/cloudnative-pg/plugin-barman-cloud", "v0.15.0", "config/crd/bases/barmancloud.cnpg.io_*.yaml"),
    ("github.com/prometheus-operator/prometheus-operator", "v0.85.0", "example/prometheus-operator-crd/*.yaml"),
)
# Traefik's, as the local cluster has them.
OWN_CRDS = COMPONENTS.parents[1] / "ingress" / "kinds.yaml"
DEFINITIONS = "#/components/schemas/"
Schema = dict[str, Any]


class SchemasError(Exception):
    """A module that cannot be had, or has not what was expected; the message says which."""


class Loader(yaml.CSafeLoader):
    """YAML 1.1 as Kubernetes reads it: a lone `=`, as in an enum of PromQL's matchers, is a string."""


Loader.add_constructor("tag:yaml.org,2002:value", lambda _, node: node.value)


def module(path: str, version: str | None) -> Path:
    """Return the folder of a Go module, downloaded if it is not there.

    Raises:
        SchemasError: if it cannot be downloaded.
    """
    if version is None:
        found = re.search(rf"^\s+{re.escape(path)} (\S+)", COMPONENTS.read_text(encoding="utf-8"), re.MULTILINE)
        if not found:
            message = f"{COMPONENTS} pins no {path}"
            raise SchemasError(message)
        version = found.group(1)
    command = ("go", "mod", "download", "-json", f"{path}@{version}")
    done = subprocess.run(command, cwd="/", capture_output=True, text=True, check=False)
    if done.returncode:
        message = f"{path}@{version} cannot be downloaded: {done.stdout}{done.stderr}"
        raise SchemasError(message)
    return Path(json.loads(done.stdout)["Dir"])


def of_kubernetes(folder: Path) -> Iterator[tuple[str, Schema]]:
    """Give file name and schema of each kind in the OpenAPI documents of a Kubernetes module."""
    for path in sorted(folder.glob("api/openapi-spec/v3/api*__v*_openapi.json")):
        definitions = json.loads(path.read_text(encoding="utf-8"))["components"]["schemas"]
        for definition in definitions.values():
            for kind in definition.get("x-kubernetes-group-version-kind", ()):
                # Lists and options of the API itself are of every group.
                if {"apiVersion", "kind", "metadata"} <= set(definition.get("properties", {})):
                    yield _name(kind["group"], kind["version"], kind["kind"]), with_definitions(definition, definitions)


def of_definition(crd: Mapping[str, Any]) -> Iterator[tuple[str, Schema]]:
    """Give file name and schema of each version that a CustomResourceDefinition serves."""
    spec = crd["spec"]
    for version in spec["versions"]:
        schema = version["schema"]["openAPIV3Schema"]
        # The API server adds these to every custom resource.
        properties = schema.setdefault("properties", {})
        properties |= {"apiVersion": {"type": "string"}, "kind": {"type": "string"}}
        properties["metadata"] = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
        yield _name(spec["group"], version["name"], spec["names"]["kind"]), strict(schema)


def with_definitions(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    """Return a strict schema that carries the definitions it refers to, and theirs."""
    needed: dict[str, Schema] = {}
    waiting = [schema]
    while waiting:
        for name in re.findall(rf'"\$ref": "{DEFINITIONS}([^"]+)"', json.dumps(waiting.pop())):
            if name not in needed:
                needed[name] = strict(definitions[name])
                waiting.append(definitions[name])
    return {**strict(schema), "components": {"schemas": needed}}


def strict(schema: Any) -> Any:  # noqa: ANN401 - any part of a schema
    """Return a schema that refuses names it doesn't know, and takes null where OpenAPI 3.0 says `nullable`."""
    if isinstance(schema, list):
        return [strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    # What a property is called is no keyword: one may be called `properties`.
    made = {
        keyword: {name: strict(part) for name, part in value.items()} if keyword == "properties" else strict(value)
        for keyword, value in schema.items()
        if keyword not in {"description", "default", "example"}
    }
    open_ended = made.get("x-kubernetes-preserve-unknown-fields") or made.get("x-kubernetes-embedded-resource")
    if isinstance(made.get("properties"), dict) and "type" in made and not open_ended:
        made.setdefault("additionalProperties", False)
    if made.get("x-kubernetes-int-or-string"):
        made = {key: value for key, value in made.items() if key not in {"type", "anyOf", "pattern"}}
        made["type"] = ["integer", "string"]
    if made.pop("nullable", False) and isinstance(made.get("type"), str):
        made["type"] = [made["type"], "null"]
    return made


def _name(group: str, version: str, kind: str) -> str:
    # kubeconform calls the group without a name by its version.
    return f"{kind}-{group or version}-{version}.json".lower()


def main() -> int:
    """Write the schemas into the folder given."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    folder: Path = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    try:
        schemas = dict(of_kubernetes(module(*KUBERNETES)))
        files = [file for path, version, pattern in CRDS for file in sorted(module(path, version).glob(pattern))]
        for file in (*files, OWN_CRDS):
            for manifest in yaml.load_all(file.read_text(encoding="utf-8"), Loader=Loader):
                if manifest["kind"] == "CustomResourceDefinition":
                    schemas |= dict(of_definition(manifest))
    except SchemasError as error:
        sys.stderr.write(f"error: {error}\n")
        return 1
    for name, schema in schemas.items():
        (folder / name).write_text(json.dumps(schema), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
