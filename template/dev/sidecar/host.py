"""The sidecar on real sockets: it calls apps over HTTP, and has a port for each."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from functools import partial
from io import BytesIO
from os import environ
from pathlib import Path
from random import Random

import aiohttp
from yarl import URL

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
    async with aiohttp.ClientSession(
        # an app may think for long, but takes a connection at once
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=5.0),
        # less than uvicorn's keep-alive, or a call may meet a connection that is just closed
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=2.0),
        skip_auto_headers=("accept", "accept-encoding", "content-type", "user-agent"),
        auto_decompress=False,  # what the app compressed stays compressed
    ) as session:

        async def call_app(address: str, call: Call) -> Answer:
            data = BytesIO(call.body) if call.body else None  # aiohttp warns of large bytes
            ask = partial(session.request, call.method, URL(address + call.path, encoded=True))
            try:
                async with ask(headers=call.headers, data=data, allow_redirects=False) as got:
                    body = await got.read()
            except (aiohttp.ClientError, TimeoutError) as error:
                raise UnreachableError(f"{address}: {error!r}") from error
            headers = [(name.decode().lower(), value.decode()) for name, value in got.raw_headers]
            return Answer(got.status, headers, body)

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
    app = App(app_id, f"http://{HOST}:{app_port}", load(Path("dapr"), app_id))
    names = "DAPR_API_TOKEN", "APP_API_TOKEN"
    app.api_token, app.app_token = (environ.get(name, "").strip() for name in names)
    port = free_port(3500, but=app_port) if usual else 0
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
