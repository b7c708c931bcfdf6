"""The token between the sidecar and the app."""

import hmac

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from app.core.problems import problem

OPEN = {"/health", "/ready", "/metrics"}
"""Probes come without a token: Dapr's and Kubernetes' send none."""


class ApiToken:
    """Refuses calls without the `dapr-api-token` that APP_API_TOKEN asks for."""

    def __init__(self, app: ASGIApp, token: SecretStr) -> None:
        self._app = app
        self._token = token.get_secret_value().encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            given = Headers(scope=scope).get("dapr-api-token", "").encode()
            if not hmac.compare_digest(given, self._token):
                detail = "The header dapr-api-token is missing or wrong."
                await problem(401, detail=detail)(scope, receive, send)
                return
        await self._app(scope, receive, send)
