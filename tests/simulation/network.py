"""What is between processes: calls to ASGI applications that take time and may not arrive."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextvars import Context
from functools import partial
from typing import Any
from urllib.parse import unquote

import aiohttp
import httpx2
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from yarl import URL

from dev.openai import openai_app
from dev.openai.script import Failure
from dev.sidecar.world import Answer, Call, UnreachableError


async def ask(application: ASGIApp, call: Call) -> Answer:
    """Call an application; raises UnreachableError if its answer is not whole."""
    path, _, query = call.path.partition("?")
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": call.method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in call.headers],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": call.body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await application(scope, receive, send)
    if len(sent) < 2 or sent[-1].get("more_body"):
        raise UnreachableError("the answer is cut")
    headers = [(name.decode(), value.decode()) for name, value in sent[0]["headers"]]
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return Answer(sent[0]["status"], headers, body)


def aside(work: Callable[[], Awaitable[Any]]) -> asyncio.Future[Any]:
    """Do `work` in a task that is of no process: it goes on when whoever asked for it dies."""

    async def run() -> Any:
        return await work()

    return asyncio.get_running_loop().create_task(run(), context=Context())


Way = Callable[[str, Call], Awaitable[Answer]]
"""Takes a call to an address."""


class Session:
    """Stands for aiohttp's ClientSession in the client of the sidecar."""

    def __init__(self, way: Way, base_url: str, **_: Any) -> None:
        self._way = way
        self._address = base_url

    async def __aenter__(self) -> "Session":
        return self

    async def __aexit__(self, *_: object) -> None: ...

    def request(
        self,
        method: str,
        url: URL,
        *,
        params: Mapping[str, str] | None = None,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: aiohttp.ClientTimeout,
        allow_redirects: bool = False,
    ) -> "Exchange":
        """Return the exchange that `async with` begins."""
        path = str(url.update_query(params)) if params else url.raw_path_qs
        call = Call(method, path, [*(headers or {}).items()], data or b"")
        return Exchange(partial(self._way, self._address, call), timeout.total)


class Exchange:
    """A request and its response."""

    status: int
    headers: Mapping[str, str]

    def __init__(self, send: Callable[[], Awaitable[Answer]], seconds: float | None) -> None:
        self._send = send
        self._seconds = seconds
        self._body = b""

    async def __aenter__(self) -> "Exchange":
        try:
            async with asyncio.timeout(self._seconds):
                answer = await asyncio.shield(aside(self._send))
        except UnreachableError as error:
            raise aiohttp.ClientConnectionError from error
        self.status, self._body = answer.status, answer.body
        self.headers = {name.lower(): value for name, value in answer.headers}
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def read(self) -> bytes:
        """Return the body."""
        return self._body


class ModelHttp:
    """Stands for the module httpx2 in the agent: all requests go to the embedded model server.

    `failure` tells what befalls the next one.
    """

    def __init__(self, failure: Callable[[], Failure | None]) -> None:
        self._failure = failure

    def __getattr__(self, name: str) -> Any:
        return getattr(httpx2, name)

    def AsyncClient(self, **_: Any) -> httpx2.AsyncClient:  # noqa: N802
        """Return a client that opens no connection."""
        model = openai_app()

        async def failing(scope: Scope, receive: Receive, send: Send) -> None:
            failure = self._failure()
            answer = failure.response("") if failure else model
            await answer(scope, receive, send)

        return httpx2.AsyncClient(transport=httpx2.ASGITransport(failing))


class Aiohttp:
    """Stands for the module in the client of the sidecar; no connection is opened."""

    def __init__(self, way: Way) -> None:
        self._way = way

    def __getattr__(self, name: str) -> Any:
        return getattr(aiohttp, name)

    def ClientSession(self, **options: Any) -> Session:  # noqa: N802
        """Return a session over the simulated network."""
        return Session(self._way, **options)

    def TCPConnector(self, **_: Any) -> None:  # noqa: N802
        """Return nothing: there is nothing to connect."""

    def DummyCookieJar(self) -> None:  # noqa: N802
        """Return nothing: there are no cookies."""
