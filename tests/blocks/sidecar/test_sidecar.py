"""The connection to the sidecar: what can go wrong with it, told apart."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from socket import socket

import pytest
from httpx2 import AsyncClient
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route
from structlog.testing import capture_logs

from app.core.declaration import load
from app.core.errors import DeadlineError
from app.core.telemetry import continue_trace, deadline
from app.main import create_app
from app.services.sidecar import Sidecar, SidecarSettings, SidecarUnavailableError
from dev.serve import HOST, free_port, listener, port_of, serve
from dev.sidecar import components, hosted
from dev.sidecar.blocks import App
from dev.sidecar.core import api

TRACE = "0af7651916cd43dd8448eb211c80319c"


async def echo(request: Request) -> Response:
    """Answer with the headers."""
    return JSONResponse(dict(request.headers))


async def hang(_: Request) -> Response:
    """Answer too late."""
    await asyncio.sleep(1)
    return Response()


async def away(_: Request) -> Response:
    """Send the caller elsewhere."""
    return RedirectResponse("/echo")


def settings(port: int, token: str | None = None) -> SidecarSettings:
    """Return settings that lead to a port."""
    return SidecarSettings.model_construct(
        dapr_http_port=port,
        dapr_api_token=SecretStr(token) if token else None,
        dapr_timeout_seconds=5.0,
        dapr_start_seconds=0.0,
    )


@asynccontextmanager
async def connected(token: str | None = None) -> AsyncGenerator[Sidecar]:
    """Connect to a server in the sidecar's place."""
    routes = [Route(f"/{act.__name__}", act, methods=["POST"]) for act in (echo, hang, away)]
    async with (
        serve(Starlette(routes=routes)) as port,
        Sidecar.open(settings(port, token)) as sidecar,
    ):
        yield sidecar


async def test_a_call_carries_token_and_trace() -> None:
    """The sidecar knows who calls, and as part of what."""
    continue_trace(f"00-{TRACE}-b7ad6b7169203331-01")
    async with connected("s3cret") as sidecar:
        sent = json.loads((await sidecar.call("test", "POST", "/echo")).body)
    assert sent["dapr-api-token"] == "s3cret"
    assert sent["traceparent"].split("-")[1] == TRACE
    assert sent["traceparent"].split("-")[2] != "b7ad6b7169203331"


async def test_a_call_without_answer_ends_in_time() -> None:
    """With an error of its own."""
    async with connected() as sidecar:
        with pytest.raises(DeadlineError):
            await sidecar.call("test", "POST", "/hang", seconds=0.05)


async def test_a_call_takes_no_longer_than_its_caller_waits() -> None:
    """What is left of the request's own time; nobody reads an answer after that."""
    async with connected() as sidecar:
        for left in (0.05, -1):
            deadline.set(time.monotonic() + left)
            with pytest.raises(DeadlineError):
                await sidecar.call("test", "POST", "/hang")


async def test_any_status_is_an_answer() -> None:
    """What it means, the caller knows; redirects are not followed."""
    async with connected() as sidecar:
        statuses = [(await sidecar.call("test", "POST", path)).status for path in ("/away", "/no")]
    assert statuses == [307, 404]


async def test_a_sidecar_that_is_not_there_is_said_to() -> None:
    """Unlike one that answers with an error."""
    with listener() as bound:
        port = port_of(bound)
    async with Sidecar.open(settings(port)) as sidecar:
        with pytest.raises(SidecarUnavailableError) as caught:
            await sidecar.call("test", "POST", "/echo")
    assert HOST not in caught.value.detail


async def test_the_start_says_what_it_waits_for() -> None:
    """Where the sidecar should be, by which variable; then it goes on without it."""
    with listener() as bound:
        port = port_of(bound)
    with capture_logs() as logs:
        async with Sidecar.open(settings(port)) as sidecar:
            await sidecar.wait(0.05)
    assert [log["event"] for log in logs] == ["sidecar.awaited", "sidecar.absent"]
    assert {log["url"] for log in logs} == {f"http://{HOST}:{port}"}
    assert "DAPR_HTTP_PORT" in logs[1]["reason"]


@pytest.mark.usefixtures("companions")
async def test_a_sidecar_that_comes_late_dies_and_returns_is_survived(
    app_socket: socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The start waits a bounded time; then `/ready` tells, and nothing needs a restart."""
    port, url = free_port(), f"http://{HOST}:{port_of(app_socket)}"
    name = load(Path("app/service.yaml")).service.service_name
    monkeypatch.setenv("DAPR_HTTP_PORT", str(port))
    monkeypatch.setenv("DAPR_START_SECONDS", "0.05")
    async with serve(create_app(), on=app_socket), AsyncClient(base_url=url) as client:

        async def alive_and_ready() -> tuple[int, int]:
            alive, ready = await client.get("/health"), await client.get("/ready")
            assert (ready.json()["checks"]["sidecar"] == "ok") == (ready.status_code == 200)
            return alive.status_code, ready.status_code

        for _ in range(2):
            assert await alive_and_ready() == (200, 503)
            assert f"{HOST}:{port} (DAPR_HTTP_PORT)" in (await client.get("/ready")).text
            app = App(name, url, components.load(Path("dapr"), name))
            async with hosted() as sidecar, serve(api(sidecar, app), port=port):
                sidecar.add(app)
                assert await alive_and_ready() == (200, 200)
        assert await alive_and_ready() == (200, 503)
