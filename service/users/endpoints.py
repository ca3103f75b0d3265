from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, HTTPException, Path, Query, Request
from pydantic import Field
from starlette.responses import Response

from service.auth.dependencies import requires
from service.auth.principal import Principal
from service.fleet.cache import LOOKED_UP, etag_of, render
from service.fleet.cache.response import CACHE_CONTROL, VARY
from service.fleet.http.conditional import Preconditions, is_listed
from service.fleet.http.negotiation import JSON, JsonRoute
from service.fleet.http.openapi import problems
from service.fleet.http.parameters import DECIMAL
from service.fleet.idempotency import ConflictingKeyError, IdempotencyKey, InProgressError
from service.fleet.idempotency.header import Key, refusal
from service.users import cursor
from service.users.cached_read import USER_READ
from service.users.repository import EmailTakenError
from service.users.representation import encode, etag_of_user
from service.users.schemas import User, UserCreate, UserId, UserPage, UserUpdate
from service.users.service import UserService

MAX_PAGE = 100
DEFAULT_PAGE = 20

router = APIRouter(prefix=USER_READ.collection, tags=["users"], route_class=JsonRoute)
_read = Depends(requires(USER_READ.scope))
_write = Depends(requires("users:write"))
_Id = Annotated[UserId, DECIMAL, Path(description="The user's id.")]


# Called, not depended on: FastAPI solves each dependency anew at each request, which takes longer than what it does.
def _users(request: Request) -> UserService:
    users: UserService = request.app.state.users
    return users


_created: dict[int | str, dict[str, Any]] = {
    201: {"headers": {"Location": {"description": "Where the user is.", "schema": {"type": "string"}}}},
}
_cached: dict[int | str, dict[str, Any]] = {
    304: {"description": "The client's copy, named in If-None-Match, still holds."},
}


@router.get(
    USER_READ.item,
    response_model=User,
    responses=_cached | problems(400, 401, 403, 404, 406, 412, 422, 429, 503),
    dependencies=[_read],
)
async def get_user(user_id: _Id, request: Request) -> Response:
    """Return one user, from the nearest cache that has it; 304 where If-None-Match names its ETag."""
    lookup = LOOKED_UP.get(request.scope) or await _users(request).lookup(user_id)
    if isinstance(lookup, Exception):
        raise lookup
    if not lookup.entry.found:
        raise _not_found(user_id)
    conditions = Preconditions(request.scope)
    conditions.allow_read(lookup.entry.etag)
    status, headers, body = render(lookup.entry, lookup.tier, conditions.if_none_match)
    response = Response(body, status)
    response.raw_headers[:] = headers
    return response


@router.get(
    "",
    response_model=UserPage,
    responses=_cached | problems(400, 401, 403, 406, 412, 422, 429, 503),
)
async def list_users(
    request: Request,
    caller: Annotated[Principal, _read],
    after: Annotated[str | None, Query(pattern=cursor.PATTERN, description="`next` of the page before.")] = None,
    limit: Annotated[int, Field(ge=1, le=MAX_PAGE), DECIMAL, Query()] = DEFAULT_PAGE,
) -> Response:
    """Return a page of users in the order of their ids; 304 where If-None-Match names its ETag."""
    body = (await _users(request).page(after, limit, caller.subject)).model_dump_json().encode()
    etag = etag_of(body)
    conditions = Preconditions(request.scope)
    conditions.allow_read(etag)
    is_held = conditions.if_none_match is not None and is_listed(conditions.if_none_match, etag)
    response = Response(b"", 304) if is_held else Response(body, media_type=JSON)
    response.raw_headers += [(b"etag", etag), CACHE_CONTROL, VARY]
    return response


@router.post(
    "",
    status_code=201,
    response_model=User,
    responses=_created | problems(400, 401, 403, 406, 409, 412, 413, 415, 422, 429, 503),
)
async def create_user(
    user: UserCreate,
    request: Request,
    caller: Annotated[Principal, _write],
    key: Key = None,
) -> Response:
    """Create a user; Location says where it is. With an Idempotency-Key a repetition creates no second one."""
    users, conditions = _users(request), Preconditions(request.scope)

    async def page_is_expected() -> None:  # the conditions are about what is at this URL: the first page
        page = await users.page(None, DEFAULT_PAGE)
        conditions.allow_write(etag_of(page.model_dump_json().encode()))

    once = None if key is None else IdempotencyKey(caller.subject, key, user.model_dump_json().encode())
    try:
        creation = await users.create(user, caller.subject, once, page_is_expected if conditions.are_given else None)
    except EmailTakenError:
        raise _email_taken() from None
    except (ConflictingKeyError, InProgressError) as error:
        raise refusal(error) from None
    etag = etag_of_user(creation.user, creation.version).decode()
    headers = {"cache-control": "no-store", "location": f"{router.prefix}/{creation.user.id}", "etag": etag}
    return Response(encode(creation.user), 201, headers, JSON)


@router.patch(
    USER_READ.item,
    response_model=User,
    responses=problems(400, 401, 403, 404, 406, 409, 412, 413, 415, 422, 429, 503),
)
async def update_user(
    user_id: _Id, change: UserUpdate, request: Request, caller: Annotated[Principal, _write]
) -> Response:
    """Change what the body names; the rest stays. With If-Match only the user that has this ETag."""
    conditions = Preconditions(request.scope)
    try:
        allow = conditions.allow_write if conditions.are_given else None
        changed = await _users(request).update(user_id, change, caller.subject, allow)
    except EmailTakenError:
        raise _email_taken() from None
    if changed is None:
        raise _not_found(user_id)
    headers = {"cache-control": "no-store", "etag": etag_of_user(changed.user, changed.version).decode()}
    return Response(encode(changed.user), 200, headers, JSON)


@router.delete(
    USER_READ.item,
    status_code=204,
    responses=problems(400, 401, 403, 404, 406, 412, 422, 429, 503),
)
async def delete_user(user_id: _Id, request: Request, caller: Annotated[Principal, _write]) -> None:
    """Remove a user. With If-Match only the one that has this ETag."""
    conditions = Preconditions(request.scope)
    allow = conditions.allow_write if conditions.are_given else None
    if not await _users(request).delete(user_id, caller.subject, allow):
        raise _not_found(user_id)


def _not_found(user_id: int) -> HTTPException:
    return HTTPException(HTTPStatus.NOT_FOUND, f"There is no user {user_id}.")


def _email_taken() -> HTTPException:
    return HTTPException(HTTPStatus.CONFLICT, "Another user has this email address.")
