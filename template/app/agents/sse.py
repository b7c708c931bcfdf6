"""Server-sent events: an answer that arrives piece by piece, and stops when its reader does."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass

import structlog
from pydantic import JsonValue
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from app.core.errors import DeadlineError, ServiceError, problem

log = structlog.get_logger("app.agent")

HEARTBEAT_SECONDS = 10.0
"""A silence longer than this is broken by a comment: proxies cut connections that are silent."""
AHEAD = 2
"""Events that wait for a slow reader; then the model waits."""
PATIENCE_SECONDS = 60.0
"""How long it waits for a reader that takes nothing."""
COMMENT = b": still here\n\n"
HEADERS = {"cache-control": "no-cache", "x-accel-buffering": "no"}


@dataclass(frozen=True)
class Event:
    """One event: its type, and its data as JSON."""

    event: str
    data: Mapping[str, JsonValue]

    def encode(self) -> bytes:
        """Return it as it is sent; JSON has no line ends in it."""
        return f"event: {self.event}\ndata: {json.dumps(self.data)}\n\n".encode()


class EventStream(Response):
    """A response of events, made as fast as they are read.

    What fails before anything was sent is answered as any other error; later it is an event `error`
    with the same fields. What is sent first is an event or, after a silence, a comment. When the
    client goes away, the events are closed at once; when it stays and takes nothing, after a while.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        events: AsyncGenerator[Event],
        status_code: int = 200,
        heartbeat: float = HEARTBEAT_SECONDS,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        super().__init__(status_code=status_code, headers=HEADERS)
        del self.headers["content-length"]
        self._events = events
        self._heartbeat = heartbeat
        self._patience = patience
        self._made = asyncio.Queue[bytes | Exception | None](AHEAD)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the events, each part in a task of its own: closing is not cut short."""
        making = asyncio.create_task(self._make())
        sending = asyncio.create_task(self._send(send))
        gone = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait([sending, gone], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (making, sending, gone):
                task.cancel()
            await asyncio.wait([making, sending, gone])
        if not sending.cancelled():
            sending.result()

    async def _make(self) -> None:
        try:
            async with aclosing(self._events) as events:
                async for event in events:
                    await self._offer(event.encode())
        except Exception as error:  # how it is told depends on what was sent by then
            return await self._made.put(error)
        return await self._made.put(None)

    async def _offer(self, made: bytes) -> None:
        try:
            async with asyncio.timeout(self._patience):
                await self._made.put(made)
        except TimeoutError:
            raise DeadlineError("The reader took nothing for too long.") from None

    async def _send(self, send: Send) -> None:
        made = await self._next()
        if isinstance(made, Exception):
            raise made
        status, headers = self.status_code, self.raw_headers
        await send({"type": "http.response.start", "status": status, "headers": headers})
        while isinstance(made, bytes):
            await send({"type": "http.response.body", "body": made, "more_body": True})
            made = await self._next()
        last = _told(made).encode() if made else b""
        await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _next(self) -> bytes | Exception | None:
        """Return what was made next, or a comment where that takes long."""
        try:
            async with asyncio.timeout(self._heartbeat):
                return await self._made.get()
        except TimeoutError:
            return COMMENT


def _told(error: Exception) -> Event:
    """Return the event of an error; of a bug nothing is told but that there is one."""
    known = error if isinstance(error, ServiceError) else ServiceError()
    if known is not error:
        log.error("stream.failed", exc_info=error)
    answer = problem(known.status, code=known.code, title=known.title, detail=known.detail)
    return Event("error", json.loads(bytes(answer.body)))


async def _gone(receive: Receive) -> None:
    """Return when the client has gone away."""
    while (await receive())["type"] != "http.disconnect":
        pass
