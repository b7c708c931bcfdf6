"""Which HTTP client talks to the sidecar: all candidates, side by side, with one local server.

Each answer is a small JSON, as the sidecar's mostly are. The goals are for its client over
pooled httpx2, which Starlette's test client and openai stand on.
"""

import asyncio
import json
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import aiohttp
import httpx
import httpx2
import niquests
from pyreqwest.client import ClientBuilder

from app.services.sidecar import Sidecar, SidecarSettings
from benchmarks.figures import Figure

BASELINE, CHOSEN = "httpx2, pooled", "sidecar client (aiohttp)"
GOALS = {1: 1.5, 16: 4.0}
"""How many times as many requests a second as the baseline, by the requests in flight."""
ROUNDS = 5
SECONDS = 1.0  # of a client in a round

Get = Callable[[], Awaitable[object]]
Client = Callable[[int], AbstractAsyncContextManager[Get]]
"""Opens a client of the server on a port; what it yields makes one request and reads the answer."""


@asynccontextmanager
async def _httpx_each(port: int) -> AsyncGenerator[Get]:
    async def get() -> object:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{port}/")).json()

    yield get


@asynccontextmanager
async def _httpx(port: int) -> AsyncGenerator[Get]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        async def get() -> object:
            return (await client.get("/")).json()

        yield get


@asynccontextmanager
async def _httpx2(port: int) -> AsyncGenerator[Get]:
    async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        async def get() -> object:
            return (await client.get("/")).json()

        yield get


@asynccontextmanager
async def _aiohttp(port: int) -> AsyncGenerator[Get]:
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:

        async def get() -> object:
            async with session.get("/") as response:
                return await response.json()

        yield get


@asynccontextmanager
async def _niquests(port: int) -> AsyncGenerator[Get]:
    async with niquests.AsyncSession() as session:

        async def get() -> object:
            return (await session.get(f"http://127.0.0.1:{port}/")).json()

        yield get


@asynccontextmanager
async def _pyreqwest(port: int) -> AsyncGenerator[Get]:
    async with ClientBuilder().build() as client:

        async def get() -> object:
            return await (await client.get(f"http://127.0.0.1:{port}/").build().send()).json()

        yield get


@asynccontextmanager
async def _sidecar(port: int) -> AsyncGenerator[Get]:
    async with Sidecar.open(SidecarSettings(dapr_http_port=port)) as sidecar:

        async def get() -> object:
            return json.loads((await sidecar.call("get", "GET", "/")).body)

        yield get


CLIENTS: dict[str, Client] = {
    "httpx, one for each call": _httpx_each,
    "httpx, pooled": _httpx,
    BASELINE: _httpx2,
    "aiohttp, pooled": _aiohttp,
    "niquests, pooled": _niquests,
    "pyreqwest, pooled": _pyreqwest,
    CHOSEN: _sidecar,
}


def figures() -> Iterator[Figure]:
    """Measure requests a second; clients take turns, so that a busy machine is so for all."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.server"], stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout
        try:
            port = int(server.stdout.readline())
            for in_flight, goal in GOALS.items():
                rates = asyncio.run(_rates(port, in_flight))
                for name, rate in rates.items():
                    yield Figure(
                        name=f"{name} / {BASELINE}, {in_flight} in flight",
                        value=rate,
                        unit="/s",
                        baseline=rates[BASELINE],
                        goal=goal if name == CHOSEN else None,
                        better="higher",
                    )
        finally:
            server.terminate()


async def _rates(port: int, in_flight: int) -> dict[str, float]:
    """Return the median requests a second of each client."""
    found: dict[str, list[float]] = {name: [] for name in CLIENTS}
    for _ in range(ROUNDS):
        for name, client in CLIENTS.items():
            async with client(port) as get:
                assert await get() == {"status": "ok"}  # connected, and right
                found[name].append(await _rate(get, in_flight))
    return {name: statistics.median(rates) for name, rates in found.items()}


async def _rate(get: Get, in_flight: int) -> float:
    started, done = time.perf_counter(), 0

    async def work() -> None:
        nonlocal done
        while time.perf_counter() - started < SECONDS:
            await get()
            done += 1

    await asyncio.gather(*(work() for _ in range(in_flight)))
    return done / (time.perf_counter() - started)
