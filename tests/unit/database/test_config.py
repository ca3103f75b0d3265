import pytest

from service.database import DatabaseConfig


@pytest.mark.parametrize(
    ("url", "urls"),
    [
        ("postgresql://host/users", ["postgresql://host/users"]),
        ("pg://u:p@a:1,[::1]:2,c/x?y", [f"pg://u:p@{host}/x?y" for host in ("a:1", "[::1]:2", "c")]),
        ("no address", ["no address"]),
    ],
)
def test_each_host_has_a_login_of_its_own(url: str, urls: list[str]) -> None:
    """Several hosts of one URL are tried one by one; what is no URL is left to the driver to refuse."""
    logins = DatabaseConfig(url, username="me").logins
    assert logins == [{"dsn": each, "user": "me", "password": None} for each in urls]


def test_replicas_differ_by_their_address() -> None:
    """All else is as for the primary."""
    config = DatabaseConfig("postgresql://a/x", replica_urls=("postgresql://b/x", "postgresql://c/x"), pool_size=3)
    assert config.replicas() == [
        DatabaseConfig("postgresql://b/x", pool_size=3),
        DatabaseConfig("postgresql://c/x", pool_size=3),
    ]
