"""An app that answers as told and remembers what it was asked."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import Receive, Scope, Send

from dev.serve import serve
from tests.stack.part import own_port


@dataclass(frozen=True)
class Seen:
    """A request; `path` is as sent, and header names are in small letters."""

    method: str
    path: str
    query: str
    headers: Sequence[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str:
        """Return a header's value; empty where there is none."""
        return next((value for key, value in self.headers if key == name), "")

    def json(self) -> Any:
        """Return the body, decoded."""
        return json.loads(self.body)

    def about(self, mark: str) -> bool:
        """Tell whether `mark` is somewhere in it."""
        rest = f"{self.path}?{self.query} {self.headers}"
        return mark.encode() in self.body or mark in rest


@dataclass(frozen=True)
class Reply:
    """An answer, given once `hold` is set."""

    status: int = 204
    body: str = ""
    headers: Sequence[tuple[str, str]] = ()
    hold: asyncio.Event | None = None


@dataclass
class App:
    """An ASGI application; requests are told apart by marks, which are unique words in them."""

    subscriptions: Sequence[dict[str, Any]] = ()
    patience: float = 30.0
    """For how many seconds a request is waited for."""
    requests: list[Seen] = field(default_factory=list[Seen])
    port: int = field(default_factory=own_port)
    _replies: dict[str, deque[Reply]] = field(default_factory=dict[str, deque[Reply]])
    _news: asyncio.Condition = field(default_factory=asyncio.Condition)

    def script(self, mark: str, *replies: Reply) -> None:
        """Answer requests with a mark so, in this order; then with 204."""
        self._replies[mark] = deque(replies)

    def seen(self, mark: str, at: str = "") -> list[Seen]:
        """Return the requests with a mark, or those of them whose path begins with `at`."""
        return [seen for seen in self.requests if seen.about(mark) and seen.path.startswith(at)]

    async def heard(self, mark: str, count: int = 1, at: str = "") -> list[Seen]:
        """Wait for some requests with a mark; raises TimeoutError."""
        async with asyncio.timeout(self.patience), self._news:
            await self._news.wait_for(lambda: len(self.seen(mark, at)) >= count)
        return self.seen(mark, at)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            await (await self._answer(Request(scope, receive)))(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        path = request.scope["raw_path"].decode()
        seen = Seen(
            request.method,
            path,
            request.url.query,
            request.headers.items(),
            await request.body(),
        )
        async with self._news:
            self.requests.append(seen)
            self._news.notify_all()
        if path == "/dapr/subscribe":
            return JSONResponse(self.subscriptions)
        if path.startswith("/dapr/"):
            return Response(status_code=404)
        left = next((replies for mark, replies in self._replies.items() if seen.about(mark)), None)
        reply = left.popleft() if left else Reply()
        if reply.hold:
            await reply.hold.wait()
        response = Response(reply.body, reply.status)
        for name, value in reply.headers:
            response.headers.append(name, value)
        return response

    @asynccontextmanager
    async def serving(self) -> AsyncGenerator[None]:
        """Take connections inside the block."""
        async with serve(self, port=self.port):
            yield
