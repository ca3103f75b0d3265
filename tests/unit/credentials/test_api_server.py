from pathlib import Path

import pytest

from service.credentials.api_server import ApiError, ApiServer
from tests.unit.credentials.conftest import ApiDouble

Double = tuple[ApiDouble, ApiServer]


def test_it_is_the_pods_own_account_in_its_own_namespace(double: Double) -> None:
    """Calls go to the namespace of the mounted account, with its token, over TLS by its CA."""
    api, client = double
    api.put("secrets", {"metadata": {"name": "a"}})
    found = client.get("secrets", "a")
    assert found is not None
    assert found["metadata"]["name"] == "a"
    assert client.namespace == "shop"
    assert api.calls == [("GET", "/api/v1/namespaces/shop/secrets/a")]


def test_what_is_missing_is_none(double: Double) -> None:
    """404 is no error: there is no such object."""
    assert double[1].get("secrets", "missing") is None


def test_what_is_there_already_is_not_created(double: Double) -> None:
    """409 is no error: somebody has made it."""
    api, client = double
    api.put("secrets", {"metadata": {"name": "a"}, "data": {"key": "b2xk"}})
    assert client.create("secrets", {"metadata": {"name": "a"}, "data": {}}) is None
    assert api.objects["secrets", "a"]["data"] == {"key": "b2xk"}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_server_that_is_busy_is_asked_again(double: Double, status: int) -> None:
    """Refusals that pass are waited for."""
    api, client = double
    api.failures = [status, status]
    assert client.get("secrets", "a") is None
    assert len(api.calls) == 3


@pytest.mark.parametrize("content", ["not JSON", "[]", "{}"])
def test_a_refusal_says_what_was_refused(double: Double, content: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A refusal without a message is told as it came."""
    monkeypatch.setattr(ApiDouble, "answer", lambda *_: (403, content))
    with pytest.raises(ApiError, match="cannot read secrets/a: 403 ") as error:
        double[1].get("secrets", "a")
    assert content in str(error.value)


def test_a_wrong_token_is_told(double: Double) -> None:
    """The API server's own words are in the error."""
    double[1]._token = "another"
    with pytest.raises(ApiError, match="cannot create secrets/a: 401 Unauthorized"):
        double[1].create("secrets", {"metadata": {"name": "a"}})


def test_a_server_that_never_answers_is_given_up(tmp_path: Path, double: Double) -> None:
    """After the last attempt the error names the address, the reason and the NetworkPolicy's ports."""
    del double  # writes the account's files
    client = ApiServer("https://127.0.0.1:1", tmp_path, pause_seconds=0)
    with pytest.raises(ApiError, match=r"no answer from https://127.0.0.1:1/.* refused.*apiServerPorts"):
        client.get("secrets", "a")
