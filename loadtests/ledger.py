"""Users created at a steady rate, and of each what its client was told: what was acknowledged is looked for later."""

import asyncio
import itertools
import threading
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from types import TracebackType
from typing import Self

import aiohttp

from loadtests.measure import Answer
from loadtests.users import PATH, Response, ask, client_of, says_nothing

# For all tries of one write.
PATIENCE_SECONDS = 60
FIRST_PAUSE_SECONDS = 0.1
READERS = 16
READ_AGAIN_SECONDS = 30


@dataclass
class Outcome:
    """What the clients of a ledger were told."""

    acknowledged: dict[str, int] = field(default_factory=dict)
    """By address the id of each user that was created."""
    refused: list[int] = field(default_factory=list)
    """Other ends than success and 503. A second creation of one user would find its own address taken: 409."""
    unknown: int = 0
    """Writes that may have happened or not: no try had an answer that tells."""
    answers: list[Answer] = field(default_factory=list)
    """Each try."""
    begun: int = 0
    """Writes, of those that were due."""
    due: int = 0

    @property
    def begun_share(self) -> float:
        """How much of the load there was, 0 to 1: a busy machine may leave the clients behind."""
        return self.begun / self.due if self.due else 0.0

    @property
    def doubled(self) -> int:
        """How many writes happened a second time."""
        return self.refused.count(HTTPStatus.CONFLICT)


def asked_for_seconds(response: Response | None) -> float:
    """How long a server asks to be left alone (Retry-After in seconds: RFC 9110, 10.2.3); 0 where it does not say."""
    said = response.headers.get("Retry-After", "") if response is not None else ""
    return float(said) if said.isdecimal() else 0.0


class Ledger:
    """Creates users at a steady rate in a thread of its own, for as long as the block lasts, however they are answered.

    Every other write has an Idempotency-Key, and is tried until there is an answer, ever more slowly and no sooner than
    the server asks for; those without are tried once. The end of the block waits for those under way.
    """

    def __init__(
        self, base_url: str, headers: Mapping[str, str], *, per_second: float, longest_pause_seconds: float
    ) -> None:
        self._base_url = base_url
        self._headers = dict(headers)
        self._interval_seconds = 1 / per_second
        self._longest_pause_seconds = longest_pause_seconds
        self._name = uuid.uuid4().hex[:8]  # users of earlier ledgers may still be there
        self._is_ending = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._write()), name="ledger")
        self.outcome = Outcome()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._is_ending.set()
        self._thread.join()

    def lost(self) -> list[str]:
        """Read all acknowledged users through the service; gives the addresses that are missing, or another's."""
        return asyncio.run(self._read_back(self.outcome.acknowledged.items()))

    async def _write(self) -> None:
        loop = asyncio.get_running_loop()
        started = due = loop.time()
        async with self._client() as client, asyncio.TaskGroup() as writes:
            for number in itertools.count():
                await asyncio.sleep(max(0.0, due - loop.time()))
                if self._is_ending.is_set():
                    self.outcome.due = round((loop.time() - started) / self._interval_seconds)
                    return
                due += self._interval_seconds
                self.outcome.begun += 1
                writes.create_task(self._create(client, number))

    async def _create(self, client: aiohttp.ClientSession, number: int) -> None:
        email = f"{self._name}-{number}@example.com"
        key = {"idempotency-key": f"{self._name}-{number}"} if number % 2 else {}
        body = {"name": "Ada", "email": email}
        pause_seconds = min(FIRST_PAUSE_SECONDS, self._longest_pause_seconds)
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            response = await self._try(client, body, key)
            if response is not None and response.status == HTTPStatus.CREATED:
                self.outcome.acknowledged[email] = response.json()["id"]
                return
            if response is not None and not says_nothing(response):
                self.outcome.refused.append(response.status)
                return
            if not key or time.monotonic() > end:
                self.outcome.unknown += 1
                return
            await asyncio.sleep(min(max(pause_seconds, asked_for_seconds(response)), self._longest_pause_seconds))
            pause_seconds = min(2 * pause_seconds, self._longest_pause_seconds)

    async def _try(
        self, client: aiohttp.ClientSession, body: Mapping[str, str], key: Mapping[str, str]
    ) -> Response | None:
        answer, response = await ask(client, "write", "POST", PATH, json=body, headers=key)
        self.outcome.answers.append(answer)
        return response

    async def _read_back(self, users: Iterable[tuple[str, int]]) -> list[str]:
        left = iter(users)
        lost: list[str] = []

        async def read(client: aiohttp.ClientSession) -> None:
            for email, user_id in left:
                if not await self._is_there(client, email, user_id):
                    lost.append(email)

        async with self._client() as client, asyncio.TaskGroup() as readers:
            for _ in range(READERS):
                readers.create_task(read(client))
        return sorted(lost)

    async def _is_there(self, client: aiohttp.ClientSession, email: str, user_id: int) -> bool:
        """Whether it is; where nobody can say, they are asked again."""
        end = time.monotonic() + READ_AGAIN_SECONDS
        while True:
            _, response = await ask(client, "", "GET", f"{PATH}/{user_id}")
            if response is not None and not says_nothing(response):
                return response.status == HTTPStatus.OK and response.json()["email"] == email
            if time.monotonic() > end:
                return False
            await asyncio.sleep(1)

    def _client(self) -> aiohttp.ClientSession:
        return client_of(self._base_url, kept=READERS, headers=self._headers)
