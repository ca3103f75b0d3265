import json
import threading
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from itertools import count
from types import TracebackType
from typing import Self

from loadtests.hostile.wire import REQUEST_ID, Address

PAUSE_SECONDS = 0.02


class Witness:
    """Innocent clients on kept connections, each of which checks that every answer is the one to its own request."""

    def __init__(self, to: Address, token: str, *, clients: int = 4) -> None:
        self._to = to
        self._token = token
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(number,)) for number in range(clients)]
        self._lock = threading.Lock()
        self.answered = 0
        self.foreign: list[str] = []
        self.failed: list[str] = []

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, number: int) -> None:
        connection = HTTPConnection(*self._to, timeout=10)
        for turn in count():
            if self._stopped.wait(PAUSE_SECONDS):
                break
            try:
                said = self._one(connection, f"witness-{number}-{turn:08d}", user=10 + (turn * 7 + number) % 900)
            except (OSError, HTTPException) as error:
                connection.close()  # http.client connects anew by itself
                said = ("failed", repr(error))
            self._note(said)
        connection.close()

    def _one(self, connection: HTTPConnection, request_id: str, user: int) -> tuple[str, str] | None:
        headers = {"authorization": f"Bearer {self._token}", REQUEST_ID: request_id}
        connection.request("GET", f"/api/users/{user}", headers=headers)
        response = connection.getresponse()
        body = response.read()
        got = response.headers.get(REQUEST_ID)
        if got is not None and got != request_id:
            return ("foreign", f"{request_id} got the answer to {got}")
        if response.status != HTTPStatus.OK:
            return ("failed", f"{request_id} got {response.status}")
        if json.loads(body)["id"] != user:
            return ("foreign", f"{request_id} asked for user {user} and got {body[:80]!r}")
        return None

    def _note(self, said: tuple[str, str] | None) -> None:
        with self._lock:
            self.answered += 1
            if said is not None:
                (self.foreign if said[0] == "foreign" else self.failed).append(said[1])
