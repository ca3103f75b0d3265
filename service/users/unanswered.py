import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager

from service.database import DatabaseUnavailableError
from service.fleet.cache import TieredCache
from service.fleet.staleness import Freshness
from service.fleet.supervision import SupervisedTask
from service.users.cached_read import USER_READ
from service.users.repository import UserRepository
from service.users.representation import encode

# By then the database has carried a statement out, or never will: it was cancelled at its time limit.
DECIDED_SECONDS = 3.0
LOOK_SECONDS = 1.0
MAX_NOTED = 10_000


class UnansweredWrites:
    """Users whose change or deletion got no answer from the database, and may have happened all the same.

    Nobody could tell the caches of it. Each is read anew once the database has decided, and answers again; then the
    caches are told. Of more than 10,000 the oldest are forgotten: what is cached of them ends with its time to live.
    """

    def __init__(self, repository: UserRepository, cache: TieredCache) -> None:
        self._repository = repository
        self._cache = cache
        self._due: OrderedDict[int, float] = OrderedDict()
        self._noted = asyncio.Event()
        self.background = SupervisedTask("unanswered_writes", self._run)

    def __len__(self) -> int:
        return len(self._due)

    @contextmanager
    def watching(self, user_id: int) -> Iterator[None]:
        """Note the user if the write inside may have happened without an answer."""
        try:
            yield
        except DatabaseUnavailableError as error:
            if error.may_have_happened:
                self._due[user_id] = time.monotonic() + DECIDED_SECONDS
                self._due.move_to_end(user_id)
                if len(self._due) > MAX_NOTED:
                    self._due.popitem(last=False)
                self._noted.set()
            raise

    async def _run(self) -> None:
        while True:
            await self._noted.wait()
            await asyncio.sleep(LOOK_SECONDS)
            try:
                await self._look()
            except DatabaseUnavailableError:
                continue  # it may not have decided yet either
            if not self._due:
                self._noted.clear()

    async def _look(self) -> None:
        for user_id, due in tuple(self._due.items()):
            if due > time.monotonic():
                return
            began = time.monotonic()
            found = await self._repository.get(user_id, Freshness.REQUIRED)
            if found.user is not None:
                await self._cache.wrote(USER_READ.key(user_id), encode(found.user), found.version, began)
            else:  # at which version is not known: at none that is later than now
                await self._cache.reached(USER_READ.key(user_id), int(time.time() * 1_000_000), began)
            if self._due.get(user_id) == due:
                del self._due[user_id]
