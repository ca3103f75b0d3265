import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.fleet.http.negotiation import accepts_json, is_json
from tests.api import TOKEN, calling

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    "accept",
    [
        "*/*",
        "application/json",
        "Application/JSON",
        "application/*;q=0.1",
        "text/html, */*;q=0.5",
        "*/*;q=0, application/json",
        "application/json;profile=x; q = 1",
        "application/json;profile=x",
        "text/html;q=0.7, , application/json;Q=0.001,",
        'text/html;x="a, b", application/json',
        "*/*;q=1.000",
        " ",
        ",",
    ],
)
def test_ranges_that_allow_json(accept: str) -> None:
    """By name, by wildcard, and by the most specific range where several match."""
    assert accepts_json(accept)


@pytest.mark.parametrize(
    "accept",
    [
        *("text/html", "application/json;q=0", "*/*, application/json;q=0", "application/xml, text/*", ";, text/html"),
        *("*/*;q=x", "*/*;q=1_0", "*/*;q=inf", "*/*;q=2", "*/*;q=-1", "*/*;q=+1", "*/*;q=0.0001", "*/*;q="),
        *('text/html;x=",application/json,"', r'text/html;x="\",application/json', "application/jsonx", "*"),
    ],
)
def test_ranges_that_rule_json_out(accept: str) -> None:
    """By leaving it out, by a quality of zero or one that is none, or by naming it in a quoted string only."""
    assert not accepts_json(accept)


@given(st.text(max_size=60))
def test_any_accept_header_is_understood_somehow(accept: str) -> None:
    """No text fails."""
    assert accepts_json(accept) in {True, False}


@given(st.text(max_size=60))
def test_any_content_type_is_understood_somehow(content_type: str) -> None:
    """What is taken for JSON says so."""
    assert not is_json(content_type) or "json" in content_type.lower()


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "application/merge-patch+json"]
)
async def test_json_bodies_are_taken(content_type: str) -> None:
    """By name, with parameters, and by suffix."""
    async with calling() as client:
        response = await client.patch("/api/users/1", content=b"{}", headers={"content-type": content_type})
    assert response.status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"content-type": "text/plain"},
        {"content-type": "application/xml"},
        {"content-type": "application/json, text/plain"},
        {"content-type": "application/x,y+json"},
        {"content-type": "json"},
        {},
    ],
)
async def test_other_bodies_are_refused(headers: dict[str, str]) -> None:
    """415 names what is taken; so does a body that doesn't say what it is."""
    async with calling() as client:
        response = await client.post("/api/users", content=b"{}", headers=headers)
    assert response.status_code == 415
    assert response.headers["accept"] == "application/json"


async def test_no_body_is_no_wrong_body() -> None:
    """What is missing then is the body."""
    async with calling() as client:
        response = await client.post("/api/users")
    assert response.status_code == 422


@pytest.mark.parametrize("fast_path_enabled", [True, False])
async def test_who_takes_no_json_gets_none(*, fast_path_enabled: bool) -> None:
    """406, from the caches too."""
    async with calling(fast_path_enabled=fast_path_enabled) as client:
        assert (await client.get("/api/users/1")).status_code == 200
        response = await client.get("/api/users/1", headers={**TOKEN, "accept": "text/html"})
    assert response.status_code == 406
    assert response.headers["content-type"] == "application/problem+json"
