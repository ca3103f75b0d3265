from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware as StarletteCORSMiddleware
from starlette.responses import Response

from .problem import problem_response

# They describe Starlette's own body.
_OF_THE_BODY = frozenset({"content-length", "content-type"})


class CORSMiddleware(StarletteCORSMiddleware):
    """Starlette's, but that a preflight is refused in the form that every other error has."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer what a browser asks before it sends a page's request."""
        answer = super().preflight_response(request_headers)
        if answer.status_code < 400:  # noqa: PLR2004 - RFC 9110, section 15
            return answer
        refused = bytes(answer.body).decode().removeprefix("Disallowed CORS ")
        detail = (
            f"Pages may not send this request, because of its {refused}. They may use the methods"
            f" {', '.join(self.allow_methods)} and the headers {', '.join(self.allow_headers)}, from the origins that"
            " the service is set up for."
        )
        headers = {name: value for name, value in answer.headers.items() if name not in _OF_THE_BODY}
        return problem_response(answer.status_code, detail, headers=headers)
