"""The sidecar on real sockets: it calls apps over HTTP, and has a port for each."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
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
async def hosted(
    kind: Callable[[CallApp, Clock, Random], Sidecar] = Sidecar,
) -> AsyncGenerator[Sidecar]:
    """Run a sidecar without apps; each that is added is served by `api`."""
    async with transport() as call_app:
        sidecar = kind(call_app, Clock(time.time), Random())
        try:
            yield sidecar
        finally:
            await sidecar.close()


@asynccontextmanager
async def companion(app_id: str, app_port: int, usual: bool) -> AsyncGenerator[Companion]:
    """Run a sidecar for the service itself, with the components and policies of `dapr`."""
    app = App(
        app_id,
        f"http://{HOST}:{app_port}",
        load(Path("dapr"), app_id),
        api_token=environ.get("DAPR_API_TOKEN", ""),
        app_token=environ.get("APP_API_TOKEN", ""),
    )
    port = free_port(3500) if usual else 0
    async with hosted() as sidecar, serve(api(sidecar, app), port=port) as port:
        sidecar.add(app)
        yield Companion(
            name=NAME,
            url=f"http://{HOST}:{port}",
            server=sidecar,
            env={"DAPR_HTTP_PORT": str(port)},
            ready=app.up.wait,
            pause=partial(sidecar.pause, app),
            resume=partial(sidecar.resume, app),
        )
