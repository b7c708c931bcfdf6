"""Pure ASGI middleware around every request: its context, its token, the limit of its body."""

import hmac
import time
from asyncio import CancelledError, current_task
from collections.abc import Collection
from uuid import uuid4

import structlog
from prometheus_client import Counter, Histogram
from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

from app.core.errors import problem
from app.core.telemetry import DEADLINE, continue_trace, deadline, request_id

log = structlog.get_logger("app.request")

REQUESTS = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
SECONDS = Histogram("http_request_seconds", "Time to answer, in seconds.", ["method", "route"])
PROBES = {"/health", "/ready", "/metrics"}
"""Asked all day, without a token: Dapr and Kubernetes send none. Logged at debug level only."""


class RequestContext:
    """Gives a request its id and place in a trace, logs and counts it, answers bugs with 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        current = headers.get("x-request-id", "")[:128] or str(uuid4())
        request_id.set(current)
        trace_id = continue_trace(headers.get("traceparent"))
        waits = headers.get(DEADLINE, "")[:9]
        deadline.set(time.monotonic() + int(waits) / 1000 if waits.isdecimal() else None)
        started, status = time.perf_counter(), 0

        async def reply(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                MutableHeaders(scope=message)["x-request-id"] = current
            await send(message)

        with bound_contextvars(request_id=current, trace_id=trace_id):
            try:
                await self._app(scope, receive, reply)
            except (Exception, CancelledError) as error:
                log.exception("request.failed", path=scope["path"])
                task = isinstance(error, CancelledError) and current_task()
                if status or (task and task.cancelling()):  # too late: the connection is cut
                    raise
                await problem(500)(scope, receive, reply)
            finally:
                _record(scope, status, time.perf_counter() - started)


def _record(scope: Scope, status: int, seconds: float) -> None:
    method, path = scope["method"], scope["path"]
    route = getattr(scope.get("route"), "path", "unmatched")
    REQUESTS.labels(method, route, status).inc()
    SECONDS.labels(method, route).observe(seconds)
    write = log.debug if path in PROBES else log.info
    write("request", method=method, path=path, status=status, duration_ms=round(seconds * 1000, 1))


class ApiToken:
    """Refuses calls without the `dapr-api-token` that APP_API_TOKEN asks for."""

    def __init__(self, app: ASGIApp, token: SecretStr) -> None:
        self._app, self._token = app, token.get_secret_value().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "lifespan" and scope["path"] not in PROBES:
            given = Headers(scope=scope).get("dapr-api-token", "").encode()
            if not hmac.compare_digest(given, self._token):
                if scope["type"] == "websocket":
                    return await send({"type": "websocket.close", "code": 1008})
                detail = "The header dapr-api-token is missing or wrong."
                return await problem(401, detail=detail)(scope, receive, send)
        return await self._app(scope, receive, send)


class BodyLimit:
    """Refuses bodies over `limit` bytes with 413, announced or not; the paths `but` pass."""

    def __init__(self, app: ASGIApp, limit: int, but: Collection[str] = ()) -> None:
        self._app, self._limit, self._but = app, limit, but

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] in self._but:
            return await self._app(scope, receive, send)
        detail = f"The body is larger than {self._limit} bytes."
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdecimal() and int(announced) > self._limit:
            return await problem(413, detail=detail)(scope, receive, send)
        size = 0

        async def limited() -> Message:
            nonlocal size
            message = await receive()
            size += len(message.get("body", b""))
            if size > self._limit:
                raise HTTPException(413, detail)
            return message

        return await self._app(scope, limited, send)
