"""Service invocation: a request to another app by its app-id, passed through as it is."""

from collections.abc import Sequence
from functools import partial
from posixpath import normpath
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from dev.sidecar.blocks import App, Block, DaprError, parameter
from dev.sidecar.core import Sidecar
from dev.sidecar.world import Call, UnreachableError

VERBS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "upgrade", "te", "content-length"}
REPLACED = HOP_BY_HOP | {"dapr-api-token", "dapr-app-id", "host", "traceparent"}


class Invocation(Block):
    """The block."""

    def __init__(self, sidecar: Sidecar) -> None:
        self._sidecar = sidecar
        self._turn = 0

    def routes(self, app: App) -> Sequence[Route]:
        """Return both styles: the app-id in the path, or in the header `dapr-app-id`."""
        path = "/v1.0/invoke/{app}/method/{method:path}"
        return [
            Route(path, partial(self._by_path, app), methods=VERBS, name="invoke"),
            Route("/{method:path}", partial(self._by_header, app), methods=VERBS, name="invoke"),
        ]

    async def _by_path(self, app: App, request: Request) -> Response:
        return await self._invoke(app, parameter(request, "app"), request)

    async def _by_header(self, app: App, request: Request) -> Response:
        if target := request.headers.get("dapr-app-id"):
            return await self._invoke(app, target, request)
        raise DaprError(404, "ERR_DIRECT_INVOKE", "failed getting app id from the path or a header")

    async def _invoke(self, app: App, target: str, request: Request) -> Response:
        method = quote(normpath(f"/{parameter(request, 'method')}").strip("/"))
        query = f"?{request.url.query}" if request.url.query else ""
        trace = self._sidecar.span(request.headers.get("traceparent"))
        headers = [(name, value) for name, value in request.headers.items() if name not in REPLACED]
        headers += [("traceparent", trace)]
        if target != app.app_id:
            headers += [("dapr-caller-app-id", app.app_id), ("dapr-callee-app-id", target)]
        call = Call(request.method, f"/{method}{query}", headers, await request.body())
        try:
            answer = await self._sidecar.call(self._replica(target), call)
        except (UnreachableError, LookupError) as error:
            why = f"failed to invoke, id: {target}, err: {error}"
            raise DaprError(500, "ERR_DIRECT_INVOKE", why) from error
        response = Response(answer.body, answer.status)
        for name, value in answer.headers:
            if name.lower() not in HOP_BY_HOP:
                response.headers.append(name, value)
        return response

    def _replica(self, app_id: str) -> App:
        replicas = [app for app in self._sidecar.apps if app.app_id == app_id]
        if not replicas:
            raise LookupError(f"couldn't find service: {app_id}")
        self._turn += 1
        return replicas[self._turn % len(replicas)]


block = Invocation
