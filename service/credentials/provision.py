"""Make the Secrets of a plan that a namespace lacks. It may run again at any time, and replaces nothing that works."""

import base64
import secrets
import string
from collections.abc import Iterator

from service.credentials import certificate
from service.credentials.api_server import ApiError, ApiServer, Object
from service.credentials.plan import Certificate, Passwords, Plan

PASSWORD_LENGTH = 32
_ALPHABET = string.ascii_letters + string.digits  # needs no quotes in any file, shell or URL
_MADE_BY = {"app.kubernetes.io/managed-by": "users-api-credentials"}
_USERNAME = "username"
_CERTIFICATE, _KEY, _CA = "tls.crt", "tls.key", "ca.crt"


def provision(api: ApiServer, plan: Plan) -> Iterator[str]:
    """Make what the plan names and the namespace lacks; yields a line for each Secret."""
    for passwords in plan.passwords:
        yield f"Secret {passwords.secret}: {_passwords(_Secret(api, plan, passwords.secret), passwords)}"
    for pair in plan.certificates:
        yield f"Secret {pair.secret}: {_certificate(_Secret(api, plan, pair.secret), pair)}"


def _passwords(secret: "_Secret", wanted: Passwords) -> str:
    missing = [key for key in wanted.keys if not secret.data.get(key)]
    name = {} if wanted.username is None else {_USERNAME: _encoded(wanted.username.encode())}
    if not missing and name.items() <= secret.data.items():
        if not wanted.kept:
            secret.give_to_owner()
        return "kept"
    old = secret.other(wanted.taken_from)
    made = {key: old.get(key) or _encoded(_password().encode()) for key in missing}
    secret.write("kubernetes.io/basic-auth" if name else "Opaque", made | name, kept=wanted.kept)
    return f"made {', '.join(missing)}" if missing else "kept, for another name"


def _certificate(secret: "_Secret", wanted: Certificate) -> str:
    if not _is_due(secret.data, wanted):
        secret.give_to_owner()
        return "kept"
    pair = secret.other(wanted.taken_from)
    if _is_due(pair, wanted):
        made = certificate.make(wanted.hosts, wanted.valid_days)
        pair = {name: _encoded(pem) for name, pem in zip((_CERTIFICATE, _KEY), made, strict=True)}
    data = {name: pair[name] for name in (_CERTIFICATE, _KEY)}
    if wanted.has_ca:
        data[_CA] = data[_CERTIFICATE]  # it is its own issuer
    secret.write("kubernetes.io/tls", data)
    return f"certificate for {', '.join(wanted.hosts)}"


def _is_due(data: dict[str, str], wanted: Certificate) -> bool:
    pem, key = (base64.b64decode(data.get(name, "")) for name in (_CERTIFICATE, _KEY))
    return certificate.is_due(pem, key, wanted.hosts, wanted.renew_days)


class _Secret:
    """A Secret as it was found, if it was."""

    def __init__(self, api: ApiServer, plan: Plan, name: str) -> None:
        self._api = api
        self._plan = plan
        self._name = name
        self._found = api.get("secrets", name)
        self.data: dict[str, str] = (self._found or {}).get("data") or {}

    def other(self, name: str | None) -> dict[str, str]:
        """The contents of another Secret, which an older chart had made."""
        return ((self._api.get("secrets", name) or {}).get("data") or {}) if name else {}

    def write(self, kind: str, data: dict[str, str], *, kept: bool = False) -> None:
        """Create it, or change it if it was made here; a Secret that somebody else made stays as it is."""
        if self._found is None:
            metadata: Object = {"name": self._name, "labels": {**self._plan.labels, **_MADE_BY}}
            metadata["ownerReferences"] = [] if kept else self._owners()
            body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": data}
            if self._api.create("secrets", body) is None:
                raise ApiError(f"Secret {self._name} was made by somebody else just now: run this again")
        elif self._is_mine():
            self._patch({"data": data})
        else:
            raise ApiError(
                f"Secret {self._name} was not made here, and its {' and '.join(data)} are not as wanted: complete it, "
                "delete it, or tell the chart that it is your own (existingSecret, or routing.tls.mode=secret)"
            )

    def give_to_owner(self) -> None:
        """Tie it to the release's ConfigMap, and untie it from a former release's."""
        if self._found and self._is_mine():
            owners = self._owners()
            if (self._found["metadata"].get("ownerReferences") or []) != owners:
                self._patch({"metadata": {"ownerReferences": owners}})

    def _patch(self, change: Object) -> None:
        version = {"resourceVersion": (self._found or {})["metadata"]["resourceVersion"]}
        self._api.patch("secrets", self._name, {**change, "metadata": {**change.get("metadata", {}), **version}})

    def _is_mine(self) -> bool:
        return _MADE_BY.items() <= ((self._found or {})["metadata"].get("labels") or {}).items()

    def _owners(self) -> list[Object]:
        """The chart's ConfigMap of the same name, with which the Secret is removed; none before Helm has made it."""
        found = self._api.get("configmaps", self._name)
        if found is None:
            return []
        return [{"apiVersion": "v1", "kind": "ConfigMap", "name": self._name, "uid": found["metadata"]["uid"]}]


def _password() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(PASSWORD_LENGTH))


def _encoded(value: bytes) -> str:
    return base64.b64encode(value).decode()
