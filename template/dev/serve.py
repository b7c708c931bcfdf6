"""Serving ASGI applications on free ports of 127.0.0.1, in the loop that runs."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager

import uvicorn
from starlette.types import ASGIApp

HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """Leaves the signals to whoever owns the process."""

    @contextmanager
    def capture_signals(self) -> Generator[None]:
        yield


def listener(port: int = 0) -> socket.socket:
    """Return a socket on `port`, or on a free one, that takes no connections yet.

    Raises:
        OSError: the port is taken.
    """
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


@asynccontextmanager
async def serve(
    app: ASGIApp, *, port: int = 0, on: socket.socket | None = None
) -> AsyncGenerator[int]:
    """Serve `app` inside the block, on `port` or the socket `on`; yields the port.

    Raises:
        RuntimeError: the application fails to start; its log says why.
        OSError: the port is taken.
    """
    bound = on or listener(port)
    config = uvicorn.Config(
        app, log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=2
    )
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
        await task
        bound.close()


def free(port: int) -> int:
    """Return `port` if nobody has it, else 0."""
    try:
        listener(port).close()
    except OSError:
        return 0
    return port
