import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from time import perf_counter

from starlette.types import ASGIApp, Receive, Scope, Send

from ..cache import LOOKED_UP, CachedRead, Lookup, TieredCache, render
from ..cache import metrics as cache_metrics
from ..http.headers import REQUEST_ID
from ..observability.access_log import AccessLog
from ..observability.metrics import RequestMetrics
from ..observability.request_id import accept_or_make
from ..observability.spent import SPENT_SECONDS
from ..overload import ADMITTED, InFlight
from ..overload import refusal as overloaded
from ..ratelimit import Policies, RateLimiter
from ..ratelimit.middleware import VERDICT, Verdict, refusal
from .caller import Callers
from .request import read_headers

logger = logging.getLogger(__name__)

# Of a bigint. Python reads no number of more than 4,300.
MAX_DIGITS = 19

Answer = tuple[int, list[tuple[bytes, bytes]], bytes]


class FastPath:
    """Answers GET and HEAD of `read` as the full stack would, at a seventh of its time from L1.

    `lookup` is the routes' own: it asks the caches, then the source.

    It does what the stack does for such a request: token and scope, rate limit, conditional request, headers, metrics,
    access log.
    Beyond the limit it refuses, so that who is refused costs no more than who is served. Whatever is not plainly that
    (no token, one not seen before, a query, a body, CORS, nothing there, an error) goes to the routes of FastAPI, which
    therefore stay the one place that decides.
    """

    def __init__(  # noqa: PLR0913 - by keyword only
        self,
        app: ASGIApp,
        *,
        read: CachedRead,
        cache: TieredCache,
        lookup: Callable[[int], Awaitable[Lookup]],
        authenticator: Callers,
        limiter: RateLimiter | None,
        in_flight: InFlight,
        policies: Policies,
        metrics: Mapping[str, RequestMetrics],
        constant_headers: Sequence[tuple[bytes, bytes]],
        access_log: AccessLog,
    ) -> None:
        self._app = app
        self._read = read
        self._prefix = read.path_prefix
        self._max_id = read.max_id
        self._cache = cache
        self._lookup = lookup
        self._authenticator = authenticator
        self._limiter = limiter
        self._in_flight = in_flight
        self._policies = policies
        self._metrics = metrics
        self._constant_headers = tuple(constant_headers)
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass on."""
        if (
            scope["type"] == "http"
            and (metrics := self._metrics.get(scope["method"])) is not None
            and scope["path"].startswith(self._prefix)
            and not scope["query_string"]
            and await self._answer(scope, send, metrics)
        ):
            return
        await self._app(scope, receive, send)

    async def _answer(self, scope: Scope, send: Send, metrics: RequestMetrics) -> bool:
        started = perf_counter()
        number = scope["path"][len(self._prefix) :]
        plain = read_headers(scope)
        if plain is None or not _is_id(number, self._max_id) or b"%" in (scope.get("raw_path") or b""):
            return False
        authorization, if_none_match, request_id = plain
        principal = self._authenticator.known_principal(authorization)
        if principal is None or self._read.scope not in principal.scopes:
            return False
        answer = await self._find(scope, number, principal.subject, if_none_match)
        if answer is None:
            SPENT_SECONDS.put(scope, perf_counter() - started)
            return False
        status, headers, body = answer
        metrics.announce()
        headers += self._constant_headers
        request_id = accept_or_make(request_id)
        headers.append((REQUEST_ID, request_id))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})
        seconds = perf_counter() - started
        metrics.observe(status, seconds)
        self._access_log.record(scope, status, seconds, request_id)
        return True

    async def _find(self, scope: Scope, number: str, subject: str, if_none_match: bytes | None) -> Answer | None:
        """Return the answer; or None, and leave in `scope` what the routes need not spend or ask for again."""
        verdict: Verdict | None = None
        try:
            if self._limiter is not None:
                policy = self._policies.find(scope["path"], subject)
                bucket = policy.subject_bucket(subject)
                verdict = policy, self._limiter.decide_at_once(*bucket) or await self._limiter.decide(*bucket)
                if not verdict[1].allowed:
                    status, headers, body = refusal(*verdict)
                    return status, headers + policy.headers(verdict[1]), body
            answer = await self._look_up(scope, number, if_none_match)
            if answer is not None:
                if verdict is not None:
                    answer[1].extend(verdict[0].headers(verdict[1]))
                return answer
        except Exception:
            logger.exception("The fast path failed; the routes answer.")
        if verdict is not None:
            VERDICT.put(scope, verdict)
        return None

    async def _look_up(self, scope: Scope, number: str, if_none_match: bytes | None) -> Answer | None:
        """Return the user, or that there is too much to do; or None, and leave in `scope` what the routes answer by."""
        found: Lookup | Exception
        entry = self._cache.l1_entry(self._read.key(number))
        if entry is not None:
            cache_metrics.HIT_L1.inc()
            found = Lookup(entry, "L1")
        elif await self._in_flight.enter():
            ADMITTED.put(scope, True)  # noqa: FBT003 - a mark
            try:
                found = await self._outcome(int(number))
            finally:
                self._in_flight.leave()
        else:
            return overloaded(scope)
        if isinstance(found, Lookup) and found.entry.found:
            return render(found.entry, found.tier, if_none_match)
        LOOKED_UP.put(scope, found)
        return None

    async def _outcome(self, number: int) -> Lookup | Exception:
        """Return what there is, or why that could not be found out: the routes say so to the client."""
        try:
            return await self._lookup(number)
        except Exception as error:  # noqa: BLE001 - whatever it is, the routes answer for it
            return error


def _is_id(text: str, max_id: int) -> bool:
    """Whether `text` is an id as the API writes it, so that the cache has it under this very name."""
    return text.isdecimal() and text.isascii() and text[0] != "0" and len(text) <= MAX_DIGITS and int(text) <= max_id
