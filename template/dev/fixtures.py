"""A pytest plugin: the service as it is, over real HTTP, with what it talks to embedded."""

import asyncio
import re
from collections.abc import AsyncGenerator, Generator
from pathlib import Path
from socket import socket

import httpx2
import pytest
from fastapi import FastAPI

from dev import Companion, packages, started
from dev.serve import HOST, listener, port_of, serve


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    """Run async tests on asyncio."""
    return "asyncio"


@pytest.fixture(scope="session", autouse=True)
def _nobody() -> Generator[None]:
    """Let tests see no variable of the service that a person has set, and no proxy."""
    example = Path(".env.example")
    text = example.read_text("utf-8") if example.exists() else ""
    with pytest.MonkeyPatch.context() as patch:
        for name in re.findall(r"^# ([A-Z_]+)=", text.partition("# Above: ")[0], re.MULTILINE):
            patch.delenv(name, raising=False)
        patch.setenv("no_proxy", "*")
        yield


@pytest.fixture
def app_socket() -> Generator[socket]:
    """Return the socket that the service will listen on."""
    with listener() as bound:
        yield bound


@pytest.fixture
async def companions(
    app_socket: socket, monkeypatch: pytest.MonkeyPatch
) -> AsyncGenerator[list[Companion]]:
    """Run what the service talks to, and set the environment that leads there."""
    from app.core import declaration  # here: a broken service fails its tests, not pytest

    service = declaration.load(Path("app/service.yaml")).service
    async with started(service.service_name, port_of(app_socket), usual=False) as found:
        for name, value in [pair for companion in found for pair in companion.env.items()]:
            monkeypatch.setenv(name, value)
        yield found


@pytest.fixture
async def service(companions: list[Companion], app_socket: socket) -> AsyncGenerator[FastAPI]:
    """Run the service until it is ready for requests and events."""
    from app.main import create_app

    app = create_app()
    async with serve(app, on=app_socket):
        ready = asyncio.gather(*(companion.ready() for companion in companions))
        await asyncio.wait_for(ready, 10)
        yield app


@pytest.fixture
async def client(service: FastAPI, app_socket: socket) -> AsyncGenerator[httpx2.AsyncClient]:
    """Return a client of the service."""
    url = f"http://{HOST}:{port_of(app_socket)}"
    # plain HTTP: without `verify=False` the system's certificates are loaded for each client
    async with httpx2.AsyncClient(base_url=url, timeout=30, trust_env=False, verify=False) as http:
        yield http


def _offer(name: str) -> object:
    """Return the fixture `name`: the server of that companion, to look at or to act through."""

    @pytest.fixture(name=name)
    def server(companions: list[Companion]) -> object:
        return next(found.server for found in companions if found.name == name)

    return server


for _package in packages():
    globals()[f"_{_package.NAME}"] = _offer(_package.NAME)
