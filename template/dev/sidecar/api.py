"""The HTTP API that one app sees: health, metadata, tokens, errors, and the blocks' routes."""

import hmac

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dev.sidecar.blocks import App, DaprError, refusal
from dev.sidecar.core import Sidecar

HEALTH = "/v1.0/healthz"


def api(sidecar: Sidecar, app: App) -> ASGIApp:
    """Return the sidecar of `app` as an ASGI application."""

    async def healthy(request: Request) -> Response:
        # as daprd: once the app has been there, its death does not show
        if request.url.path == HEALTH and not app.started:
            raise DaprError(500, "ERR_HEALTH_NOT_READY", "dapr is not ready")
        return Response(status_code=204)

    async def metadata(_: Request) -> Response:
        found = app.components.values()
        components = [{"name": c.name, "type": c.type, "version": c.version} for c in found]
        return JSONResponse({"id": app.app_id, "components": components, "extended": {}})

    routes = [route for block in sidecar.blocks for route in block.routes(app)]
    routes += [Route(HEALTH, healthy), Route(f"{HEALTH}/outbound", healthy)]
    routes += [Route("/v1.0/metadata", metadata)]
    routes.sort(key=lambda route: route.path.startswith("/{"))  # those for any path come last
    inner = Starlette(routes=routes, exception_handlers={DaprError: refusal})

    async def outer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            # matched as sent: `a%2Fb` is one key, `a/b` is none
            scope = {**scope, "path": scope["raw_path"].decode("ascii")}
            given = Headers(scope=scope).get("dapr-api-token", "")
            allowed = scope["path"].startswith(HEALTH) or not app.api_token
            if not allowed and not hmac.compare_digest(given.encode(), app.api_token.encode()):
                await PlainTextResponse("invalid api token", 401)(scope, receive, send)
                return
        await inner(scope, receive, send)

    return outer
