import asyncio
import contextlib
from typing import Self


class TCPProxy:
    """Forwards to a loopback port, holding each chunk of the replies back for `delay_seconds`.

    As many connections as `silent` says are taken, and never answered.
    """

    def __init__(self, target_port: int, *, port: int = 0) -> None:
        """Listen at `port`, or at one that is free."""
        self._target_port = target_port
        self.delay_seconds = 0.0
        self.silent = 0
        self.port = port
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()

    @property
    def url(self) -> str:
        """For `REDIS_URL`."""
        return f"redis://127.0.0.1:{self.port}/0"

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.drop()
        await asyncio.sleep(0)  # the transports close in the loop's next turn

    def drop(self) -> None:
        """Reset all connections."""
        for writer in tuple(self._writers):
            writer.transport.abort()
        self._writers.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.silent:
            self.silent -= 1
            self._writers.add(writer)
            return
        upstream_reader, upstream_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers |= {writer, upstream_writer}
        for pump in (
            self._pump(reader, upstream_writer, slow=False),
            self._pump(upstream_reader, writer, slow=True),
        ):
            task = asyncio.get_running_loop().create_task(pump)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool) -> None:
        with contextlib.suppress(OSError):
            while chunk := await reader.read(65536):
                if slow:
                    await asyncio.sleep(self.delay_seconds)
                writer.write(chunk)
                await writer.drain()
        writer.close()
