from starlette.types import ASGIApp, Message, Receive, Scope, Send

# An API answers no page: nothing may be loaded, framed or guessed from its answers.
SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
# Sent in production only: on localhost it would pin a browser to https for every project there.
HSTS = (b"strict-transport-security", b"max-age=31536000; includeSubDomains")
_DOCS_POLICY = (
    b"content-security-policy",
    b"; ".join(
        (
            b"default-src 'self'",
            b"script-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net",
            b"style-src 'self' 'unsafe-inline' https://cdn.jsdelivr.net",
            b"img-src 'self' data: https://fastapi.tiangolo.com",
            b"frame-ancestors 'none'",
        )
    ),
)


def security_headers(*, hsts: bool) -> list[tuple[bytes, bytes]]:
    """Return what each answer but the docs page carries."""
    return [*SECURITY_HEADERS, *([HSTS] if hsts else [])]


class SecurityHeadersMiddleware:
    """Adds the security headers to each answer; the docs page may load what it is made of."""

    def __init__(self, app: ASGIApp, *, hsts: bool) -> None:
        self._app = app
        self._headers = security_headers(hsts=hsts)
        self._docs_headers = [
            _DOCS_POLICY if name == _DOCS_POLICY[0] else (name, value) for name, value in self._headers
        ]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and its answer back with the headers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = self._docs_headers if scope["path"].startswith("/docs") else self._headers

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *headers]
            await send(message)

        await self._app(scope, receive, send_with_headers)
