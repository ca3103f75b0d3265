import json
import re

import pytest

from k8s.client.application import USERS_API, Application, Write
from k8s.client.errors import ApplicationError
from loadtests.environment import environment_of, overridden
from loadtests.errors import LoadTestError
from loadtests.k6 import SCRIPTS

SHOP = Application("shop", "shop", url="http://shop", token="$SHOP_TOKEN", read="/items/7", file="app.yaml")


def test_scripts_are_told_what_an_application_has() -> None:
    """What it says nothing of is empty, so that no script takes the users API's."""
    found = environment_of(SHOP, {"SHOP_TOKEN": "secret", "PATH": "/bin"})
    assert found == {
        "BASE_URL": "http://shop",
        "TOKEN": "secret",
        "READ": "/items/7",
        "USERS": "1",
        "WRITE": "",
        "BURN": "",
        "CACHE_HEADER": "",
    }
    assert environment_of(Application("a", "a", url="http://a", read="/"), {})["TOKEN"] == ""


def test_the_users_api_has_all_of_it() -> None:
    """Without a file all is as it was, and the scripts by themselves take the same."""
    found = environment_of(USERS_API, {})
    assert json.loads(found["WRITE"])["path"] == "/api/users"
    assert found["CACHE_HEADER"] == "X-Cache"
    written = "".join(path.read_text() for path in SCRIPTS.glob("*.js"))
    assert {found[name] for name in ("BASE_URL", "TOKEN", "READ", "BURN", "CACHE_HEADER")} <= set(
        re.findall(r"(?:\|\||[:?]) '([^']+)'", written)
    )


def test_who_calls_has_the_last_word() -> None:
    """Variables of the script count more than the environment, and that more than the file."""
    caller = {"BASE_URL": "http://there", "TOKEN": "other", "USERS": "5"}
    found = environment_of(SHOP, caller, {"BASE_URL": "http://here", "VUS": "3"})
    assert (found["BASE_URL"], found["TOKEN"], found["USERS"], found["VUS"]) == ("http://here", "other", "5", "3")
    with pytest.raises(ApplicationError, match="export SHOP_TOKEN"):
        environment_of(SHOP, {})


def test_what_stands_above_the_file_is_told() -> None:
    """An address left over in a shell would have another application loaded than the one whose pods are replaced."""
    caller = {"BASE_URL": "http://there", "TOKEN": "$SHOP_TOKEN", "USERS": "1"}
    assert overridden(SHOP, caller) == ("BASE_URL",)
    assert overridden(SHOP, {"BASE_URL": "", "PATH": "/bin"}) == ()
    assert overridden(USERS_API, caller) == ()


def test_a_load_needs_an_address_and_what_to_read() -> None:
    """Where either is missing the key for it is named; an address may come from the environment."""
    with pytest.raises(LoadTestError, match=r"a load does not apply: app.yaml says nothing of url, "):
        environment_of(Application("a", "a", read="/", file="app.yaml"), {"BASE_URL": ""})
    with pytest.raises(LoadTestError, match="says nothing of read, "):
        environment_of(Application("a", "a", url="http://a"), {})
    assert environment_of(Application("a", "a", read="/"), {"BASE_URL": "http://b"})["BASE_URL"] == "http://b"


def test_headers_are_named_as_k6_names_them() -> None:
    """Go writes a header's name with capitals, whatever the file has."""
    found = Application("a", "a", url="http://a", read="/", cache="x-served-by", write=Write("/items"))
    assert environment_of(found, {})["CACHE_HEADER"] == "X-Served-By"
