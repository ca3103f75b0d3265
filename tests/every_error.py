"""Errors of every kind that may end a task, for tests of what survives them."""

import asyncio


class EndOfTheWorldError(BaseException):
    """Of a class that no `except Exception` catches."""


EVERY_ERROR = [
    RuntimeError("x"),
    MemoryError(),
    UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"),
    asyncio.CancelledError(),
    GeneratorExit(),
    EndOfTheWorldError(),
]
