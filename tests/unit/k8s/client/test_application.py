import argparse
import re
from dataclasses import fields
from operator import attrgetter
from pathlib import Path

import pytest

from k8s.client import reference
from k8s.client.application import MEANINGS, USERS_API, Application, Metrics, Replica, Write
from k8s.client.application_file import FORMS, PARTS, read_application
from k8s.client.errors import ApplicationError
from k8s.client.options import add_options, application_of

LEAST = "namespace: shop\nrelease: shop\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Name a file that is to be written."""
    return tmp_path / "app.yaml"


def _read(file: Path, text: str) -> Application:
    file.write_text(text)
    return read_application(file)


def _refused(file: Path, text: str) -> str:
    with pytest.raises(ApplicationError) as refused:
        _read(file, text)
    return str(refused.value).removeprefix(f"{file}, ")


def test_a_file_says_all_of_an_application(file: Path) -> None:
    """Each key comes to its place, those of a part in one line or in several."""
    found = _read(
        file,
        LEAST
        + """
deployment: shop-api
prometheus: metrics/prometheus-operated:9090
url: https://shop.example.com/v1
token: $SHOP_TOKEN
read: /items/{id}
ids: 50
write: {method: PUT, path: "/items/{unique}", body: {name: x, tags: [1, 2]}}
limited: small
cache: X-Cache
replica:
  path: /whoami
  field: pod
burn: /burn?ms={milliseconds}
metrics: {requests: shop_requests_total, status: code, duration: shop_seconds, prefix: shop_}
""",
    )
    assert found == Application(
        namespace="shop",
        release="shop",
        deployment="shop-api",
        prometheus="metrics/prometheus-operated:9090",
        url="https://shop.example.com/v1",
        token="$SHOP_TOKEN",
        read="/items/{id}",
        ids=50,
        write=Write("/items/{unique}", "PUT", {"name": "x", "tags": [1, 2]}),
        limited="small",
        cache="X-Cache",
        replica=Replica("/whoami", "pod"),
        burn="/burn?ms={milliseconds}",
        metrics=Metrics("shop_requests_total", "code", "shop_seconds", "shop_"),
        file="app.yaml",
    )


def test_what_a_file_leaves_out_does_not_apply(file: Path) -> None:
    """Nothing of the users API is taken for another application; null is the same as nothing."""
    found = _read(file, LEAST + "token: null\nmetrics: null\nwrite:\n")
    assert found == Application("shop", "shop", file="app.yaml")
    assert found.lacks("release") == ""
    assert found.lacks("release", "metrics.requests") == (
        "does not apply: app.yaml says nothing of metrics.requests, the counter of its requests"
    )
    assert found.lacks("write.path").startswith("does not apply: app.yaml says nothing of write.path, ")
    assert not USERS_API.lacks(*(key for key in MEANINGS if key != "deployment"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: write `key: value` on each line, first `namespace:` and `release:`"),
        ("- shop\n", "line 1: write `key: value` on each line"),
        ("namespace: shop\n", "line 1: release is missing: its name, as `helm list` has it"),
        (LEAST + "release: other\n", "line 3: release is there twice: keep one"),
        (LEAST + "url: http://shop\n  token: x\n", "line 4: this is no YAML: mapping values are not allowed here"),
        (LEAST + "raed: /items/7\n", "line 3: there is no key raed: read is meant?"),
        (LEAST + "status: code\n", "line 3: there is no key status: metrics: {status: ...} is meant?"),
        (LEAST + "metrics.status: code\n", "line 3: there is no key metrics.status: metrics: {status: ...} is meant?"),
        (
            LEAST + "metrics:\n  request: x\n",
            "line 4: there is no key metrics.request: metrics: {requests: ...} is meant?",
        ),
        (LEAST + "zzz: 1\n", "line 3: there is no key zzz, but namespace, release, "),
        (LEAST + "<<: {read: /x}\n", "line 3: there is no key <<"),
        (LEAST + "metrics: shop_requests_total\n", "line 3: metrics has keys of its own: requests, status, "),
        (LEAST + "\nwrite:\n  body: {}\n", "line 5: write.path is missing: the path that a write goes to"),
        (LEAST + "replica: {path: /who}\n", "line 3: replica.field is missing: "),
        ("namespace: 7\nrelease: shop\n", 'line 1: namespace is 7: write it in quotes, "7"'),
        ("namespace: on\nrelease: shop\n", 'line 1: namespace is on: write it in quotes, "on"'),
        ("namespace: a b\nrelease: shop\n", "line 1: namespace is a b: write a name as Kubernetes takes it"),
        (LEAST + "read: items/7\n", "line 3: read is items/7: write a path, such as /items/7"),
        (LEAST + "read: [/items/7]\n", "line 3: read is a list or a mapping: write a path"),
        (LEAST + "ids: '9'\n", "line 3: ids is 9: write a whole number above 0"),
        (LEAST + "ids: 0\n", "line 3: ids is 0: write a whole number"),
        (LEAST + "ids: true\n", "line 3: ids is true: write a whole number"),
        (LEAST + "url: shop:80\n", "line 3: url is shop:80: write http://host:port"),
        (LEAST + "url: http://a:b\n", "line 3: url is http://a:b: write http://host:port"),
        (LEAST + "url: 7\n", "line 3: url is 7: write http://host:port"),
        (LEAST + "token: $1\n", "line 3: token is $1: write a token, or $NAME"),
        (LEAST + "write: {path: /x, method: GET}\n", "line 3: write.method is GET: write POST, PUT"),
        (LEAST + "write: {path: /x, body: 2026-01-01}\n", "line 3: write.body is 2026-01-01: write it in quotes"),
        (LEAST + "write: {path: /x, body: .nan}\n", "line 3: write.body is .nan: write it in quotes"),
        (LEAST + "write: {path: /x, body: !!python/name:os.system }\n", "line 3: write.body cannot be read: "),
        (LEAST + "burn: /burn\n", "line 3: burn is /burn: write a path with {milliseconds} in it"),
        (LEAST + "metrics: {requests: 'a{b}'}\n", "line 3: metrics.requests is a{b}: write the name of a metric"),
    ],
)
def test_what_is_wrong_is_named_with_its_line_and_what_to_do(file: Path, text: str, said: str) -> None:
    """Unknown keys have the nearest known one beside them, and a value its form."""
    assert _refused(file, text).startswith(said)


def test_what_is_no_file_is_told(file: Path, tmp_path: Path) -> None:
    """A file that is missing, a folder, and what is no text each say so."""
    for path, said in ((file, "docs/app.md has one to begin with"), (tmp_path, "cannot be read: ")):
        with pytest.raises(ApplicationError, match=re.escape(said)):
            read_application(path)
    file.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ApplicationError, match="cannot be read: "):
        read_application(file)
    file.write_bytes(b"namespace: \x01\n")
    with pytest.raises(ApplicationError, match="is no YAML: "):
        read_application(file)


def test_a_token_may_be_in_the_environment(file: Path) -> None:
    """It is looked for when it is needed, and where it is not set that is told with what to do."""
    found = _read(file, LEAST + "token: $SHOP_TOKEN\nlimited: plain\n")
    assert found.secret("token", {"SHOP_TOKEN": "secret"}) == "secret"
    assert found.secret("limited", {}) == "plain"
    assert Application("shop", "shop").secret("token", {}) == ""
    with pytest.raises(ApplicationError, match=r"app.yaml: token is \$SHOP_TOKEN, .* export SHOP_TOKEN=\.\.\., or"):
        found.secret("token", {"SHOP_TOKEN": ""})


def test_options_count_more_than_the_file(file: Path) -> None:
    """Without a file it is the users API, and what is given empty, as make does, is not given."""
    parser = argparse.ArgumentParser()
    add_options(parser)
    assert application_of(parser.parse_args([])) == USERS_API
    file.write_text(LEAST)
    found = application_of(parser.parse_args(["--app", str(file), "--release", "other", "--deployment", ""]))
    assert (found.namespace, found.release, found.deployment) == ("shop", "other", "")


def test_each_key_has_a_meaning_a_form_and_a_place() -> None:
    """The three lists of keys are one."""
    assert list(MEANINGS) == list(FORMS)
    places = {each.name for each in fields(Application)} - {"file", *PARTS}
    places |= {f"{part}.{each.name}" for part, of in PARTS.items() for each in fields(of)}
    assert places == set(MEANINGS)


def test_the_users_api_could_be_written_as_a_file() -> None:
    """What is said of it has the forms that a file is held to."""
    for key, (holds, form) in FORMS.items():
        value = attrgetter(key)(USERS_API)
        assert not value or holds(value), f"{key}: {form}"


def test_the_page_has_each_key(file: Path) -> None:
    """docs/app.md is as `python -m k8s.client.reference` writes it, and its example can be read."""
    page = reference.PAGE.read_text()
    assert page.partition(reference.BEGIN)[2].partition(reference.END)[0] == reference.table()
    example = page.partition("```yaml\n")[2].partition("```")[0]
    assert _read(file, example).write == Write("/items", body={"name": "{unique}"})
    assert set(reference.READERS) <= set(MEANINGS)
