import inspect
from collections.abc import Mapping
from functools import wraps
from http import HTTPStatus
from typing import Any, get_args

from fastapi import Request, UploadFile, params
from fastapi.utils import is_body_allowed_for_status_code
from starlette.responses import Response, StreamingResponse

from .idempotency import Answer, ConflictingKeyError, IdempotencyKey, IdempotencyStore, InProgressError
from .idempotency.header import Key, refusal
from .ratelimit import SubjectOf
from .wrapped import Endpoint, Form, call, give, signature_of, take_request

KEY = "fleet_idempotency_key"
JSON = "application/json"


class Repetitions:
    """What an application knows of the requests that it has carried out."""

    def __init__(self, store: IdempotencyStore, subject_of: SubjectOf) -> None:
        self.run_once = store.run_once
        self._subject_of = subject_of

    async def key_of(self, request: Request, key: str) -> IdempotencyKey:
        """Return whose key it is, and what it came with."""
        target = f"{request.method} {request.url.path}?{request.url.query}\n".encode()
        subject = await self._subject_of(request.scope)
        return IdempotencyKey("" if subject is None else f"subject:{subject}", key, target + await request.body())


class _RefusedError(Exception):
    """The function answered with an error: there is nothing that a repetition could be told of."""

    def __init__(self, response: Response) -> None:
        super().__init__()
        self.response = response


def idempotent(endpoint: Endpoint) -> Endpoint:
    """Carry a request out once, however often its client sends it with one Idempotency-Key, and to whichever replica.

    A repetition gets the first answer, for `idempotency_ttl_seconds`. 409 is the answer while the first is under way,
    and 422 to a key that came with another path or body. An error is not kept: the request may be sent again. Without
    the header the function is called each time. A key is its client's where `subject_of` knows whose request it is; the
    keys of all others share one space, so they have to be drawn at random. It goes below the route's decorator.

    While Redis is away only the replica that had the first request knows its repetition.

    Raises:
        TypeError: the function takes a form, whose bytes are gone once it was read.
    """
    signature = signature_of(endpoint)
    if any(_is_form(parameter) for parameter in signature.parameters.values()):
        raise TypeError(f"{endpoint.__qualname__} takes a form: `idempotent` is for bodies that are JSON, or none")
    form = Form(signature)

    async def respond(request: Request, arguments: Mapping[str, Any]) -> Response:
        return _response(request, arguments, form, await call(endpoint, arguments))

    @wraps(endpoint)
    async def write(**arguments: Any) -> Response:  # noqa: ANN401 - the route's parameters
        request = take_request(arguments, asked_by)
        key: str | None = arguments.pop(KEY)
        if key is None:
            return await respond(request, arguments)
        repetitions: Repetitions = request.app.state.repetitions
        made: Response | None = None

        async def carry_out() -> Answer:
            nonlocal made
            made = await respond(request, arguments)
            if made.status_code >= HTTPStatus.BAD_REQUEST:
                raise _RefusedError(made)
            return Answer(made.status_code, bytes(made.body), dict(made.headers))

        try:
            answer = await repetitions.run_once(await repetitions.key_of(request, key), carry_out)
        except _RefusedError as error:
            return error.response
        except (ConflictingKeyError, InProgressError) as error:
            raise refusal(error) from None
        return made or Response(answer.body, answer.status, answer.headers)

    asked_by = give(
        write, signature, inspect.Parameter(KEY, inspect.Parameter.KEYWORD_ONLY, annotation=Key, default=None)
    )
    return write


def _response(request: Request, arguments: Mapping[str, Any], form: Form, answer: object) -> Response:
    """Make of it what FastAPI would, with what the function set of a `Response` that it takes."""
    if isinstance(answer, StreamingResponse):
        raise TypeError("an answer that is streamed cannot be given again: `idempotent` is for those that are whole")
    if isinstance(answer, Response):
        return answer
    given = next((each for each in arguments.values() if isinstance(each, Response)), None)
    # FastAPI's has no status until the function gives it one.
    status = (given and given.status_code) or request.scope["route"].status_code or HTTPStatus.OK
    has_body = is_body_allowed_for_status_code(status)
    response = Response(form.encode(answer) if has_body else b"", status, media_type=JSON if has_body else None)
    if given is not None:
        response.raw_headers += given.raw_headers
    return response


def _is_form(parameter: inspect.Parameter) -> bool:
    said = (parameter.default, *getattr(parameter.annotation, "__metadata__", ()))
    types = {parameter.annotation, *get_args(parameter.annotation)}
    return UploadFile in types or any(isinstance(each, params.Form) for each in said)
