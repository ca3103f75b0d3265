"""What is put around a route's function, below the route's decorator: it gets the request, and answers by itself."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Request
from pydantic import PydanticSchemaGenerationError, TypeAdapter
from starlette.concurrency import run_in_threadpool

Endpoint = Callable[..., Any]
REQUEST = "fleet_request"


def signature_of(endpoint: Endpoint) -> inspect.Signature:
    """Return its parameters with their types."""
    return inspect.signature(endpoint, eval_str=True)


def take_request(arguments: dict[str, Any], name: str) -> Request:
    """Return the request out of what FastAPI gave, of which only the function's own stays there."""
    request: Request = arguments.pop(name) if name == REQUEST else arguments[name]
    return request


def give(wrapper: Endpoint, signature: inspect.Signature, *own: inspect.Parameter) -> str:
    """Have FastAPI give `wrapper` what the function takes, and beside it the request and parameters of its own.

    Returns by what name it gives the request, for `take_request`.
    """
    parameters = [each for each in signature.parameters.values() if each.kind is not each.VAR_KEYWORD]
    name = _request_name(signature)
    if name == REQUEST:  # FastAPI gives the request to one parameter only
        parameters.append(inspect.Parameter(REQUEST, inspect.Parameter.KEYWORD_ONLY, annotation=Request))
    wrapper.__signature__ = signature.replace(parameters=[*parameters, *own])  # type: ignore[attr-defined] # inspect's
    return name


class Form:
    """The form of a function's answers: the one that its return annotation names, or any."""

    def __init__(self, signature: inspect.Signature) -> None:
        annotation = signature.return_annotation
        try:
            self._adapter: TypeAdapter[Any] = TypeAdapter(Any if annotation is signature.empty else annotation)
        except PydanticSchemaGenerationError:  # no data: a response, for example
            self._adapter = TypeAdapter(Any)

    def encode(self, answer: object) -> bytes:
        """Return it as JSON. Raises: pydantic's ValidationError, if it has another form."""
        return self._adapter.dump_json(self._adapter.validate_python(answer, from_attributes=True), by_alias=True)


async def call(endpoint: Endpoint, arguments: Mapping[str, Any]) -> Any:  # noqa: ANN401 - whatever it answers
    """Call it as FastAPI does: in a thread, unless it is async."""
    if inspect.iscoroutinefunction(endpoint):
        return await endpoint(**arguments)
    return await run_in_threadpool(endpoint, **arguments)


def _request_name(signature: inspect.Signature) -> str:
    """Return by what name FastAPI gives the request: the function's own parameter for it, or else `REQUEST`."""
    for name, parameter in signature.parameters.items():
        annotation = getattr(parameter.annotation, "__origin__", parameter.annotation)  # of Annotated
        if isinstance(annotation, type) and issubclass(annotation, Request):
            return name
    return REQUEST
