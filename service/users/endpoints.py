from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request
from starlette.responses import Response

from service.auth.dependencies import requires
from service.auth.principal import Principal
from service.cache import render
from service.http.negotiation import JSON, JsonRoute
from service.http.openapi import problems
from service.idempotency import Answer, ConflictingKeyError, IdempotencyStore, InProgressError
from service.users import cursor
from service.users.repository import EmailTakenError
from service.users.schemas import User, UserCreate, UserId, UserPage, UserUpdate
from service.users.service import UserService

MAX_PAGE = 100

router = APIRouter(prefix="/api/users", tags=["users"], route_class=JsonRoute)
_read = Depends(requires("users:read"))
_write = Depends(requires("users:write"))
_Id = Annotated[UserId, Path(description="The user's id.")]


def _users(request: Request) -> UserService:
    users: UserService = request.app.state.users
    return users


def _idempotency(request: Request) -> IdempotencyStore:
    store: IdempotencyStore = request.app.state.idempotency
    return store


Users = Annotated[UserService, Depends(_users)]
Idempotency = Annotated[IdempotencyStore, Depends(_idempotency)]
_Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        pattern="^[!-~]+$",
        description="Drawn by the client for each new request and sent again with each repetition of it.",
    ),
]
_created: dict[int | str, dict[str, Any]] = {
    201: {"headers": {"Location": {"description": "Where the user is.", "schema": {"type": "string"}}}},
}
_cached: dict[int | str, dict[str, Any]] = {
    304: {"description": "The client's copy, named in If-None-Match, still holds."},
    **problems(401, 403, 404, 406, 422, 429),
}


@router.get("/{user_id}", response_model=User, responses=_cached, dependencies=[_read])
async def get_user(user_id: _Id, request: Request, users: Users) -> Response:
    """Return one user, from the nearest cache that has it."""
    lookup = await users.get(user_id)
    if not lookup.entry.found:
        raise _not_found(user_id)
    if_none_match = request.headers.get("if-none-match")
    validators = None if if_none_match is None else if_none_match.encode("latin-1")
    status, headers, body = render(lookup.entry, lookup.tier, validators)
    response = Response(body, status)
    response.raw_headers[:] = headers
    return response


@router.get("", responses=problems(401, 403, 406, 422, 429), dependencies=[_read])
async def list_users(
    users: Users,
    after: Annotated[str | None, Query(pattern=cursor.PATTERN, description="`next` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 20,
) -> UserPage:
    """Return a page of users in the order of their ids."""
    return await users.page(after, limit)


@router.post(
    "",
    status_code=201,
    response_model=User,
    responses=_created | problems(400, 401, 403, 406, 409, 413, 415, 422, 429),
)
async def create_user(
    user: UserCreate, users: Users, store: Idempotency, caller: Annotated[Principal, _write], key: _Key = None
) -> Response:
    """Create a user; Location says where it is. With an Idempotency-Key a repetition creates no second one."""

    async def create() -> Answer:
        try:
            created = await users.create(user)
        except EmailTakenError:
            raise _email_taken() from None
        return Answer(201, created.model_dump_json().encode(), {"location": f"/api/users/{created.id}"})

    if key is None:
        answer = await create()
    else:
        content = user.model_dump_json().encode()
        try:
            answer = await store.run_once(subject=caller.subject, key=key, content=content, carry_out=create)
        except ConflictingKeyError:
            detail = "This Idempotency-Key came with another body before; a new request takes a new key."
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, detail) from None
        except InProgressError:
            detail = "The first request with this Idempotency-Key is being carried out; ask again in a second."
            raise HTTPException(HTTPStatus.CONFLICT, detail, {"retry-after": "1"}) from None
    return Response(answer.body, answer.status, {"cache-control": "no-store", **answer.headers}, JSON)


@router.patch("/{user_id}", responses=problems(400, 401, 403, 404, 406, 409, 413, 415, 422, 429), dependencies=[_write])
async def update_user(user_id: _Id, change: UserUpdate, users: Users) -> User:
    """Change what the body names; the rest stays."""
    try:
        changed = await users.update(user_id, change)
    except EmailTakenError:
        raise _email_taken() from None
    if changed is None:
        raise _not_found(user_id)
    return changed


@router.delete("/{user_id}", status_code=204, responses=problems(401, 403, 404, 406, 422, 429), dependencies=[_write])
async def delete_user(user_id: _Id, users: Users) -> None:
    """Remove a user."""
    if not await users.delete(user_id):
        raise _not_found(user_id)


def _not_found(user_id: int) -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, f"There is no user {user_id}.")


def _email_taken() -> HTTPException:
    return HTTPException(HTTPStatus.CONFLICT, "Another user has this email address.")
