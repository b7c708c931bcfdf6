"""Serving ASGI applications on free ports of 127.0.0.1, in the loop that runs."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from random import randrange

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """Leaves the signals to whoever owns the process, and ends at once when nothing is open."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ended = asyncio.Event()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self.ended.wait()  # uvicorn looks every 100 ms

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for connection in [*self.server_state.connections]:
            connection.shutdown()
        with suppress(TimeoutError):
            async with asyncio.timeout(self.config.timeout_graceful_shutdown):
                while self.server_state.connections:  # noqa: ASYNC110 - uvicorn offers no event
                    await asyncio.sleep(0.005)
        await self.lifespan.shutdown()


def listener(port: int = 0) -> socket.socket:
    """Return a socket on `port`, or on a free one, that takes no connections yet."""
    # with its protocol named: asyncio sets TCP_NODELAY on no other, and answers then take 40 ms
    found = socket.socket(proto=socket.IPPROTO_TCP)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((HOST, port))
    except OSError:
        found.close()
        raise
    return found


def port_of(bound: socket.socket) -> int:
    """Return the port of a socket."""
    return int(bound.getsockname()[1])


def free_port(wanted: int = 0, but: int = 0) -> int:
    """Return `wanted` if free and not `but`, else one below those that the system gives away."""
    while True:
        port, wanted = wanted or randrange(20_000, 32_000), 0
        with suppress(OSError), listener(port):
            if port != but:
                return port


@asynccontextmanager
async def serve(
    app: ASGIApp, *, port: int = 0, on: socket.socket | None = None
) -> AsyncGenerator[int]:
    """Serve `app` inside the block, on `port` or the socket `on`; yields the port.

    Raises OSError if the port is taken, RuntimeError if the application does not start.
    """
    with on or listener(port) as bound:
        config = uvicorn.Config(app, log_config=None, access_log=False, timeout_graceful_shutdown=2)
        server = _Server(config)
        task = asyncio.create_task(server.serve(sockets=[bound]))
        try:
            while not server.started:
                if task.done():
                    raise RuntimeError("the application did not start: its log says why")
                await asyncio.sleep(0.005)
            yield port_of(bound)
        finally:
            server.should_exit = True
            server.ended.set()
            await task
