import pytest

from tests.api import calling

pytestmark = pytest.mark.anyio

ADA = {"name": "Ada Lovelace", "email": "ada@example.com"}


async def test_a_user_is_read() -> None:
    """The answer is the user, with what a cache needs to know."""
    async with calling() as client:
        response = await client.get("/api/users/1")
    assert response.status_code == 200
    assert response.json() == {
        "id": 1,
        "name": "Alan Allen",
        "email": "alan.allen.1@example.com",
        "created_at": "2024-01-01T00:01:00Z",
    }
    assert response.headers["cache-control"] == "private, no-cache"
    assert response.headers["x-cache"] == "MISS"
    assert response.headers["etag"]


@pytest.mark.parametrize("fast", [True, False])
async def test_a_known_copy_is_confirmed(fast: bool) -> None:  # noqa: FBT001
    """If-None-Match with the current tag is answered 304 without a body, by the fast path as by the route."""
    async with calling(fast_path_enabled=fast, access_log_sample_ratio=0) as client:
        first = await client.get("/api/users/1")
        second = await client.get("/api/users/1", headers={"if-none-match": first.headers["etag"]})
    assert (second.status_code, second.content) == (304, b"")
    assert second.headers["etag"] == first.headers["etag"]


async def test_the_second_read_hits() -> None:
    """What was read once comes from this process's cache."""
    async with calling() as client:
        await client.get("/api/users/1")
        assert (await client.get("/api/users/1")).headers["x-cache"] == "L1"


async def test_who_is_not_there_is_not_found() -> None:
    """Reading, changing and deleting a user that isn't there are 404 alike, the second time too."""
    async with calling() as client:
        responses = [
            await client.get("/api/users/1001"),
            await client.get("/api/users/1001"),
            await client.patch("/api/users/1001", json={"name": "x"}),
            await client.delete("/api/users/1001"),
        ]
    assert {response.status_code for response in responses} == {404}
    assert {response.json()["detail"] for response in responses} == {"There is no user 1001."}


@pytest.mark.parametrize("path", ["/api/users/0", "/api/users/-1", "/api/users/9007199254740992", "/api/users/x"])
async def test_what_is_no_id_is_refused(path: str) -> None:
    """Ids are whole numbers from 1 to the largest that JavaScript has exactly."""
    async with calling() as client:
        response = await client.get(path)
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"] == "#/path/user_id"


async def test_pages_cover_everyone_once() -> None:
    """Following `next` visits each user in order, and ends."""
    seen, after = [], None
    async with calling() as client:
        while True:
            page = (await client.get("/api/users", params={"limit": 100, **({"after": after} if after else {})})).json()
            seen += [user["id"] for user in page["items"]]
            after = page["next"]
            if after is None:
                break
    assert seen == list(range(1, 1001))


async def test_a_page_has_twenty_users_unless_asked() -> None:
    """The default is moderate, the most is a hundred, and none at all is no page."""
    async with calling() as client:
        assert len((await client.get("/api/users")).json()["items"]) == 20
        assert (await client.get("/api/users?limit=101")).status_code == 422
        assert (await client.get("/api/users?limit=0")).status_code == 422


async def test_a_made_up_cursor_is_refused() -> None:
    """`after` takes what a page gave, and the error names it."""
    async with calling() as client:
        response = await client.get("/api/users?after=made-up")
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == ["#/query/after"]


async def test_a_user_is_created() -> None:
    """201 names the place, which answers from then on, although it was asked for in vain before."""
    async with calling() as client:
        assert (await client.get("/api/users/1001")).status_code == 404
        created = await client.post("/api/users", json=ADA)
        assert created.status_code == 201
        assert created.headers["location"] == "/api/users/1001"
        read = await client.get(created.headers["location"])
    assert read.json() == created.json()
    assert ADA.items() <= read.json().items()


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"name": "Ada"}, "#/body/email"),
        ({**ADA, "name": ""}, "#/body/name"),
        ({**ADA, "name": " Ada"}, "#/body/name"),
        ({**ADA, "name": "Ada\n"}, "#/body/name"),
        ({**ADA, "email": "ada"}, "#/body/email"),
        ({**ADA, "admin": True}, "#/body/admin"),
        ({**ADA, "a/b~c": 1}, "#/body/a~1b~0c"),
        ([], "#/body"),
    ],
)
async def test_what_is_no_user_is_refused(body: object, pointer: str) -> None:
    """422 points at what is wrong (RFC 6901)."""
    async with calling() as client:
        response = await client.post("/api/users", json=body)
    assert response.status_code == 422
    assert [error["pointer"] for error in response.json()["errors"]] == [pointer]


async def test_an_address_has_one_user() -> None:
    """Creating with or changing to another's address is a conflict."""
    async with calling() as client:
        await client.post("/api/users", json=ADA)
        responses = [
            await client.post("/api/users", json=ADA),
            await client.patch("/api/users/1", json={"email": ADA["email"]}),
        ]
    assert {response.status_code for response in responses} == {409}


async def test_a_repeated_post_creates_one_user() -> None:
    """With an Idempotency-Key the second answer is the first one again; a new key is a new request."""
    async with calling() as client:
        first = await client.post("/api/users", json=ADA, headers={"idempotency-key": "one"})
        again = await client.post("/api/users", json=ADA, headers={"idempotency-key": "one"})
        other = await client.post("/api/users", json=ADA, headers={"idempotency-key": "two"})
    assert (first.status_code, again.status_code, other.status_code) == (201, 201, 409)
    assert again.json() == first.json()
    assert again.headers["location"] == first.headers["location"]


async def test_an_idempotency_key_stands_for_one_body() -> None:
    """The same key with another user is refused."""
    async with calling() as client:
        await client.post("/api/users", json=ADA, headers={"idempotency-key": "one"})
        body = {**ADA, "email": "countess@example.com"}
        response = await client.post("/api/users", json=body, headers={"idempotency-key": "one"})
    assert response.status_code == 422
    assert "another request" in response.json()["detail"]


@pytest.mark.parametrize("key", ["", "x" * 256])
async def test_an_idempotency_key_has_bounds(key: str) -> None:
    """An empty key and an endless one are refused."""
    async with calling() as client:
        response = await client.post("/api/users", json=ADA, headers={"idempotency-key": key})
    assert response.status_code == 422


@pytest.mark.parametrize("field", ["name", "email", "\\ud800"])
async def test_half_a_surrogate_pair_is_no_text(field: str) -> None:
    """A body that JSON can say and no text can hold is refused as unfit, in a value or in a name."""
    body = {"name": '"Grace Hopper"', "email": '"grace@example.com"', field: '"\\ud800@example.com"'}
    text = ",".join(f'"{name}":{value}' for name, value in body.items())
    async with calling() as client:
        answer = await client.post(
            "/api/users", content=f"{{{text}}}", headers={"content-type": "application/json", "idempotency-key": "a"}
        )
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
