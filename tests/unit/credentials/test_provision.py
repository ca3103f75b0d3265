import base64
from typing import Any

import pytest

from service.credentials import certificate
from service.credentials.api_server import ApiError, ApiServer
from service.credentials.plan import Certificate, Passwords, Plan
from service.credentials.provision import PASSWORD_LENGTH, provision
from tests.unit.credentials.conftest import ApiDouble

Double = tuple[ApiDouble, ApiServer]
HOSTS = ("users.example.com",)
REDIS = Passwords(secret="redis", keys=("password",))
TLS = Certificate(secret="tls", hosts=HOSTS)
MINE = {"app.kubernetes.io/managed-by": "users-api-credentials"}


def plan(*passwords: Passwords, tls: Certificate | None = None) -> Plan:
    """A release's plan."""
    return Plan(labels={"part": "a"}, passwords=passwords, certificates=(tls,) if tls else ())


def run(double: Double, what: Plan) -> list[str]:
    """Provision, and return what it said."""
    return list(provision(double[1], what))


def value(double: Double, secret: str, key: str) -> bytes:
    """What a Secret holds."""
    return base64.b64decode(double[0].objects["secrets", secret]["data"][key])


def put_secret(double: Double, name: str, data: dict[str, bytes], labels: dict[str, str] | None = None) -> None:
    """Have a Secret."""
    metadata: dict[str, Any] = {"name": name, "labels": labels} if labels else {"name": name}
    encoded = {key: base64.b64encode(content).decode() for key, content in data.items()}
    double[0].put("secrets", {"metadata": metadata, "data": encoded})


def test_passwords_are_made_once(double: Double) -> None:
    """Each key gets a password of its own; the same plan again changes nothing."""
    keys = ("owner", "app", "replication")
    what = plan(REDIS, Passwords(secret="postgresql", keys=keys))
    assert run(double, what) == ["Secret redis: made password", "Secret postgresql: made owner, app, replication"]
    made = {value(double, "redis", "password"), *(value(double, "postgresql", key) for key in keys)}
    assert len(made) == 4
    assert all(len(password) == PASSWORD_LENGTH and password.isalnum() for password in made)
    double[0].calls.clear()
    assert run(double, what) == ["Secret redis: kept", "Secret postgresql: kept"]
    assert {method for method, _ in double[0].calls} == {"GET"}


def test_secrets_are_there_before_helm_makes_their_owners(double: Double) -> None:
    """Before the first installation there is no ConfigMap: the Secrets are made, and after it are given to theirs."""
    what = plan(REDIS, tls=TLS)
    run(double, what)
    for name, kind in {"redis": "Opaque", "tls": "kubernetes.io/tls"}.items():
        secret = double[0].objects["secrets", name]
        assert secret["type"] == kind
        assert secret["metadata"]["labels"] == {"part": "a", **MINE}
        assert not secret["metadata"]["ownerReferences"]
    uids = {
        name: double[0].put("configmaps", {"metadata": {"name": name}})["metadata"]["uid"] for name in ("redis", "tls")
    }
    before = value(double, "redis", "password"), value(double, "tls", "tls.crt")
    assert run(double, what) == ["Secret redis: kept", "Secret tls: kept"]
    assert owners(double) == uids
    assert (value(double, "redis", "password"), value(double, "tls", "tls.crt")) == before
    double[0].calls.clear()
    run(double, what)
    assert {method for method, _ in double[0].calls} == {"GET"}


def test_a_secret_made_later_belongs_to_its_owner_at_once(double: Double) -> None:
    """Where Helm has made the ConfigMap already the Secret is made with it as its owner."""
    uid = double[0].put("configmaps", {"metadata": {"name": "redis"}})["metadata"]["uid"]
    run(double, plan(REDIS))
    assert owners(double) == {"redis": uid}


def test_an_owner_of_a_former_release_is_given_up(double: Double) -> None:
    """A release installed again at once must not lose the Secret with the ConfigMap of the one before."""
    double[0].put("configmaps", {"metadata": {"name": "redis"}})
    run(double, plan(REDIS))
    del double[0].objects["configmaps", "redis"]
    run(double, plan(REDIS))
    assert not double[0].objects["secrets", "redis"]["metadata"]["ownerReferences"]


def owners(double: Double) -> dict[str, str]:
    """The uid of each Secret's owner, which has the Secret's name."""
    found = {}
    for (kind, name), secret in double[0].objects.items():
        if kind == "secrets":
            (owner,) = secret["metadata"]["ownerReferences"]
            assert owner == {"apiVersion": "v1", "kind": "ConfigMap", "name": name, "uid": owner["uid"]}
            found[name] = owner["uid"]
    return found


def test_a_secret_of_kept_data_stays(double: Double) -> None:
    """A password whose data outlive the release has no owner."""
    double[0].put("configmaps", {"metadata": {"name": "postgresql"}})
    what = plan(Passwords(secret="postgresql", keys=("app",), kept=True))
    assert run(double, what) != run(double, what)
    assert not double[0].objects["secrets", "postgresql"]["metadata"]["ownerReferences"]


def test_a_login_has_a_name_and_a_password(double: Double) -> None:
    """Both are in one Secret, of the kind that says so; another name leaves the password as it is."""
    login = Passwords(secret="postgresql", keys=("password",), username="users_app")
    assert run(double, plan(login)) == ["Secret postgresql: made password"]
    assert double[0].objects["secrets", "postgresql"]["type"] == "kubernetes.io/basic-auth"
    password = value(double, "postgresql", "password")
    assert run(double, plan(login)) == ["Secret postgresql: kept"]
    other = login.model_copy(update={"username": "other"})
    assert run(double, plan(other)) == ["Secret postgresql: kept, for another name"]
    assert (value(double, "postgresql", "username"), value(double, "postgresql", "password")) == (b"other", password)


def test_a_new_key_joins_those_that_are_there(double: Double) -> None:
    """A plan with one more key leaves the others as they are."""
    run(double, plan(REDIS))
    before = value(double, "redis", "password")
    more = Passwords(secret="redis", keys=("password", "replica"))
    assert run(double, plan(more)) == ["Secret redis: made replica"]
    assert value(double, "redis", "password") == before
    assert value(double, "redis", "replica") not in {before, b""}


def test_the_password_of_an_older_chart_is_kept(double: Double) -> None:
    """What the Secret of an older chart holds is taken, and only what it lacks is made."""
    put_secret(double, "old", {"password": b"kept"})
    wanted = Passwords(secret="redis", keys=("password", "more"), taken_from="old")
    assert run(double, plan(wanted)) == ["Secret redis: made password, more"]
    assert value(double, "redis", "password") == b"kept"
    assert len(value(double, "redis", "more")) == PASSWORD_LENGTH


def test_a_secret_of_the_users_own_is_used_and_never_written(double: Double) -> None:
    """A Secret by another hand is fine where it is complete; where it isn't, the error says so and it stays."""
    put_secret(double, "redis", {"password": b"theirs"})
    assert run(double, plan(REDIS)) == ["Secret redis: kept"]
    put_secret(double, "redis", {"other": b"theirs"}, {"a": "b"})
    with pytest.raises(ApiError, match="Secret redis was not made here, and its password are not as wanted"):
        run(double, plan(REDIS))
    assert list(double[0].objects["secrets", "redis"]["data"]) == ["other"]


def test_a_certificate_is_made_anew_for_other_hosts_only(double: Double) -> None:
    """It stays while hosts stay and its end is far; another host makes another, in one write of both halves."""
    assert run(double, plan(tls=TLS)) == ["Secret tls: certificate for users.example.com"]
    before = value(double, "tls", "tls.crt")
    assert run(double, plan(tls=TLS)) == ["Secret tls: kept"]
    assert value(double, "tls", "tls.crt") == before
    double[0].calls.clear()
    other = Certificate(secret="tls", hosts=("b.example.com", "c.example.com"))
    assert run(double, plan(tls=other)) == ["Secret tls: certificate for b.example.com, c.example.com"]
    assert [method for method, _ in double[0].calls].count("PATCH") == 1
    pair = value(double, "tls", "tls.crt"), value(double, "tls", "tls.key")
    assert not certificate.is_due(*pair, other.hosts, 30)


def test_clients_find_what_vouches_for_a_certificate(double: Double) -> None:
    """Where they are told to look for it, the issuer is in the same Secret, and is the certificate itself."""
    run(double, plan(tls=TLS))
    assert "ca.crt" not in double[0].objects["secrets", "tls"]["data"]
    run(double, plan(tls=Certificate(secret="server", hosts=HOSTS, has_ca=True)))
    assert value(double, "server", "ca.crt") == value(double, "server", "tls.crt")


def test_a_certificate_is_renewed_before_its_end(double: Double) -> None:
    """Fewer days than `renew_days` make another."""
    run(double, plan(tls=Certificate(secret="tls", hosts=HOSTS, valid_days=20, renew_days=10)))
    before = value(double, "tls", "tls.crt")
    assert run(double, plan(tls=Certificate(secret="tls", hosts=HOSTS, valid_days=90, renew_days=30)))
    assert value(double, "tls", "tls.crt") != before


@pytest.mark.parametrize(("hosts", "kept"), [(HOSTS, True), (("other.example.com",), False)])
def test_the_certificate_of_an_older_chart_is_kept_while_it_fits(
    double: Double,
    hosts: tuple[str, ...],
    *,
    kept: bool,
) -> None:
    """Clients that trust it go on doing so, unless the hosts are others now."""
    pem, key = certificate.make(hosts, 90)
    put_secret(double, "old", {"tls.crt": pem, "tls.key": key, "ca.crt": b"not needed"})
    run(double, plan(tls=Certificate(secret="tls", hosts=HOSTS, taken_from="old")))
    assert (value(double, "tls", "tls.crt") == pem) is kept
    assert set(double[0].objects["secrets", "tls"]["data"]) == {"tls.crt", "tls.key"}


def test_somebody_elses_certificate_is_never_replaced(double: Double) -> None:
    """A Secret by another hand whose certificate names other hosts is refused, not overwritten."""
    pem, key = certificate.make(("other.example.com",), 90)
    put_secret(double, "tls", {"tls.crt": pem, "tls.key": key})
    with pytest.raises(ApiError, match=r"tls.crt and tls.key are not as wanted.*routing.tls.mode=secret"):
        run(double, plan(tls=TLS))
    assert value(double, "tls", "tls.crt") == pem


def test_a_race_is_told(double: Double) -> None:
    """Where another makes the same Secret between look and write nothing is overwritten, and a second run is happy."""
    api, _ = double
    api.before_create = [{"metadata": {"name": "redis"}, "data": {"password": "dGhlaXJz"}}]
    with pytest.raises(ApiError, match="just now: run this again"):
        run(double, plan(REDIS))
    assert run(double, plan(REDIS)) == ["Secret redis: kept"]
    assert value(double, "redis", "password") == b"theirs"
