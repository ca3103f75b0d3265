import asyncio
import os
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from loadtests.assess.looks import Look, shows
from loadtests.measure import Answer
from loadtests.trust import trust
from loadtests.users import PATH, Response, ask, client_of, says_nothing
from service.users import cursor

CONNECTIONS = 16
CREATE = "create"
CHANGE = "change"
GONE = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND})
FIRST_NAME = "Ada"
LATER_NAME = "Grace"


@dataclass(frozen=True)
class Pace:
    """When what is asked."""

    users_per_second: float = 2
    looks_at_seconds: tuple[float, ...] = (0.0, 0.1, 0.3, 0.6, 1.0, 1.3)
    """When the other client looks, after a write was acknowledged; the last looks are past what may be old."""
    pauses_seconds: tuple[float, ...] = (0.2, 1.0, 2.0, 4.0, 8.0)
    """Between tries to delete a user: a limiter may be in the way, or the primary away."""

    @property
    def other_reads_per_second(self) -> float:
        """Of the user and of the list, after the creation and after the change."""
        return self.users_per_second * 2 * 2 * len(self.looks_at_seconds)


PACE = Pace()


@dataclass
class Record:
    """What the clients saw."""

    writes: list[Answer] = field(default_factory=list)
    """By name `create` or `change`."""
    looks: list[Look] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    """Addresses of users that could not be deleted, if they are there."""


@dataclass
class _User:
    email: str
    creation: Mapping[str, Any]
    """The request, with a key, so that a repetition creates no second one."""
    id: int | None = None
    may_be_there: bool = False


class Writer:
    """Creates users, changes each, reads them at once and for a while after either, and deletes them."""

    def __init__(self, base_url: str, token: str, other_token: str, pace: Pace) -> None:
        """Take who writes, and who else reads: to that client no write is its own."""
        self._base_url = base_url
        self._own, self._other = _of(token), _of(other_token)
        self._pace = pace
        self._name = f"assess-{uuid.uuid4().hex[:8]}"
        self.record = Record()

    async def write(self, users: int) -> None:
        """Begin with so many users at a steady rate, and wait for the last; who is cancelled deletes them too."""
        async with (
            client_of(self._base_url, kept=CONNECTIONS, verify=trust(os.environ)) as self._client,
            asyncio.TaskGroup() as tasks,
        ):
            due = time.monotonic()
            for number in range(users):
                await asyncio.sleep(max(0.0, due - time.monotonic()))
                tasks.create_task(self._live(f"{self._name}-{number}"))
                due += 1 / self._pace.users_per_second

    async def _live(self, name: str) -> None:
        email = f"{name}@example.com"
        body = {"name": FIRST_NAME, "email": email}
        user = _User(email, {"json": body, "headers": self._own | {"idempotency-key": name}})
        try:
            await self._create(user)
            if user.id is None:
                return
            await self._look(user.id, FIRST_NAME)
            path, changed = f"{PATH}/{user.id}", {"name": LATER_NAME}
            response = await self._write(CHANGE, "PATCH", path, headers=self._own, json=changed)
            if response is not None and response.status == HTTPStatus.OK:
                await self._look(user.id, LATER_NAME)
        finally:
            await self._remove(user)

    async def _create(self, user: _User) -> None:
        user.may_be_there = True  # also where its creation is cancelled
        response = await self._write(CREATE, "POST", PATH, **user.creation)
        user.may_be_there = response is None or response.status < HTTPStatus.MULTIPLE_CHOICES or says_nothing(response)
        user.id = _id_of(response)

    async def _write(self, name: str, method: str, path: str, **options: Any) -> Response | None:  # noqa: ANN401
        answer, response = await ask(self._client, name, method, path, **options)
        self.record.writes.append(answer)
        return response

    async def _look(self, user_id: int, name: str) -> None:
        """Read the user, and the page of the list that begins with it; who wrote at once, the other later too."""
        acknowledged = time.monotonic()
        async with asyncio.TaskGroup() as looks:
            for what in ("user", "list"):
                looks.create_task(self._look_once(what, user_id, name, acknowledged, 0.0, by_writer=True))
                for at in self._pace.looks_at_seconds:
                    looks.create_task(self._look_once(what, user_id, name, acknowledged, at, by_writer=False))

    async def _look_once(  # noqa: PLR0913 - of one caller
        self, what: str, user_id: int, name: str, acknowledged: float, at: float, *, by_writer: bool
    ) -> None:
        await asyncio.sleep(max(0.0, acknowledged + at - time.monotonic()))
        age = time.monotonic() - acknowledged
        headers = self._own if by_writer else self._other
        if what == "user":
            answer, response = await ask(self._client, what, "GET", f"{PATH}/{user_id}", headers=headers)
        else:
            page = {"after": cursor.encode(user_id - 1), "limit": "1"}
            answer, response = await ask(self._client, what, "GET", PATH, headers=headers, params=page)
        self.record.looks.append(Look(answer, age, by_writer, shows(response, user_id, name)))

    async def _remove(self, user: _User) -> None:
        """Delete the user; where nobody was told its id, the same creation again tells it."""
        for pause in (0, *self._pace.pauses_seconds):
            if not user.may_be_there:
                return
            await asyncio.sleep(pause)
            if user.id is None:
                user.id = _id_of((await ask(self._client, "", "POST", PATH, **user.creation))[1])
            if user.id is not None:
                _, response = await ask(self._client, "", "DELETE", f"{PATH}/{user.id}", headers=self._own)
                user.may_be_there = response is None or response.status not in GONE
        if user.may_be_there:
            self.record.left.append(user.email)


def _of(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def _id_of(created: Response | None) -> int | None:
    return int(created.json()["id"]) if created is not None and created.status == HTTPStatus.CREATED else None
