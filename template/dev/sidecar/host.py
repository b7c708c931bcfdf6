"""The sidecar on real sockets: for each app a port of its own, all in one event loop."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from os import environ
from pathlib import Path
from random import Random

import httpx2

from dev import Companion
from dev.serve import HOST, free_port, serve
from dev.sidecar.blocks import App
from dev.sidecar.components import load
from dev.sidecar.core import Sidecar, api
from dev.sidecar.world import Answer, Call, CallApp, Clock, UnreachableError

NAME = "sidecar"


class SidecarHost(AsyncExitStack):
    """Serves sidecars on 127.0.0.1 inside `async with`, each on a port of its own."""

    kind: Callable[[CallApp, Clock, Random], Sidecar] = Sidecar

    async def __aenter__(self) -> "SidecarHost":
        call_app = await self.enter_async_context(transport())
        self.sidecar = self.kind(call_app, Clock(time.time), Random())
        self.push_async_callback(self.sidecar.close)
        return self

    async def add(
        self,
        app_id: str,
        *,
        app_url: str,
        resources: Path,
        port: int = 0,
        api_token: str = "",
        app_token: str = "",
    ) -> int:
        """Start the sidecar of an app and return its port; the app may come later.

        The same app-id again is another replica. `resources` is the folder of its components,
        `api_token` its DAPR_API_TOKEN, `app_token` its APP_API_TOKEN. Raises ValueError if the
        components can't be used, OSError if the port is taken.
        """
        components, address = load(resources, app_id), app_url.rstrip("/")
        app = App(app_id, address, components, api_token=api_token, app_token=app_token)
        port = await self.enter_async_context(serve(api(self.sidecar, app), port=port))
        self.sidecar.add(app)
        return port

    async def ready(self, app_id: str, seconds: float = 10.0) -> None:
        """Wait until the sidecar knows what the app wants; raises TimeoutError after `seconds`."""
        async with asyncio.timeout(seconds):
            for app in self.sidecar.apps:
                if app.app_id == app_id:
                    await app.up.wait()


@asynccontextmanager
async def transport() -> AsyncGenerator[CallApp]:
    """Offer calls to apps over HTTP."""
    async with httpx2.AsyncClient(
        # an app may think for long, but takes a connection at once
        timeout=httpx2.Timeout(None, connect=5.0),
        # less than uvicorn's keep-alive, or a call may meet a connection that is just closed
        limits=httpx2.Limits(keepalive_expiry=2.0),
        trust_env=False,
        verify=False,  # nothing is encrypted here, and certificates take long to load
    ) as client:
        client.headers.clear()

        async def call_app(address: str, call: Call) -> Answer:
            url, headers = address + call.path, [*call.headers]
            try:
                async with client.stream(
                    call.method, url, headers=headers, content=call.body
                ) as got:
                    # raw: what the app compressed stays compressed
                    body = b"".join([chunk async for chunk in got.aiter_raw()])
            except httpx2.TransportError as error:
                raise UnreachableError(f"{address}: {error!r}") from error
            return Answer(got.status_code, got.headers.multi_items(), body)

        yield call_app


@asynccontextmanager
async def companion(app_id: str, app_port: int, usual: bool) -> AsyncGenerator[Companion]:
    """Run a sidecar for the service itself, with the components and policies of `dapr`."""
    async with SidecarHost() as host:
        port = await host.add(
            app_id,
            app_url=f"http://{HOST}:{app_port}",
            resources=Path("dapr"),
            port=free_port(3500) if usual else 0,
            api_token=environ.get("DAPR_API_TOKEN", ""),
            app_token=environ.get("APP_API_TOKEN", ""),
        )
        (app,) = host.sidecar.apps
        yield Companion(
            name=NAME,
            url=f"http://{HOST}:{port}",
            server=host.sidecar,
            env={"DAPR_HTTP_PORT": str(port)},
            ready=lambda: host.ready(app_id),
            pause=lambda: host.sidecar.pause(app),
            resume=lambda: host.sidecar.resume(app),
        )
