"""The embedded sidecar, on real sockets; its clock jumps where it would wait."""

import asyncio
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from random import Random

from dev.serve import HOST, serve
from dev.sidecar.blocks import App as SidecarApp
from dev.sidecar.components import load
from dev.sidecar.core import Sidecar, api
from dev.sidecar.host import transport
from dev.sidecar.world import Clock, Fault
from tests.contract.app import App
from tests.contract.fleet import API_TOKEN, APP_TOKEN, LATECOMER, SERVICES, Service, write_resources
from tests.contract.world import Replica, client

SHORT = 0.1  # seconds that are waited for in truth: the sidecar's look-out for apps


class Leaping(Clock):
    """A clock that leaps over what it would wait for."""

    async def sleep(self, seconds: float) -> None:
        """Let the time be over."""
        if seconds > SHORT:
            self.skip(seconds)
            seconds = 0
        await asyncio.sleep(seconds)


class Embedded:
    """One embedded sidecar for all services."""

    def __init__(self, resources: Path) -> None:
        self._resources = resources
        self._clock = Leaping(time.time)
        self._stack = AsyncExitStack()
        self._replicas: list[Replica] = []
        self._sidecar: Sidecar
        self._served: dict[int, AsyncExitStack] = {}

    async def __aenter__(self) -> "Embedded":
        write_resources(self._resources, {})
        call_app = await self._stack.enter_async_context(transport())
        self._sidecar = Sidecar(call_app, self._clock, Random(1))
        self._stack.push_async_callback(self._sidecar.close)
        for service in SERVICES:
            for _ in range(service.replicas):
                app = App(service.subscriptions)
                self._replicas.append(await self._start(service, app, self._stack))
                self._served[app.port] = served = AsyncExitStack()
                await served.enter_async_context(app.serving())
                self._stack.push_async_exit(served)
                await self._sidecar.apps[-1].up.wait()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self, service: Service, app: App, stack: AsyncExitStack) -> Replica:
        served = SidecarApp(
            service.app_id,
            f"http://{HOST}:{app.port}",
            load(self._resources, service.app_id),
            api_token=API_TOKEN if service.tokens else "",
            app_token=APP_TOKEN if service.tokens else "",
        )
        port = await stack.enter_async_context(serve(api(self._sidecar, served)))
        self._sidecar.add(served)
        http = client(port, served.api_token)
        await stack.enter_async_context(http)
        return Replica(service, app, http)

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self._clock.skip(seconds)

    def replicas(self, app_id: str) -> Sequence[Replica]:
        """Return those of a service."""
        return [each for each in self._replicas if each.service.app_id == app_id]

    @asynccontextmanager
    async def away(self, replica: Replica) -> AsyncGenerator[None]:
        """Close the app's socket for a while."""
        served = self._served[replica.app.port]
        await served.aclose()
        try:
            yield
        finally:
            await served.enter_async_context(replica.app.serving())
            (found,) = [a for a in self._sidecar.apps if a.address.endswith(f":{replica.app.port}")]
            await found.up.wait()

    @asynccontextmanager
    async def without(self, kind: str) -> AsyncGenerator[None]:
        """Let calls that need it fail on command."""
        paths = [f"/state/{kind}", f"/publish/{kind}"]
        faults = [Fault("error", "*", path, times=-1) for path in paths]
        self._sidecar.faults += faults
        try:
            yield
        finally:
            self._sidecar.faults.clear()

    @asynccontextmanager
    async def abandoned(self, replica: Replica) -> AsyncGenerator[None]:
        """Let no call reach any app: they have one sidecar."""
        self._sidecar.faults.append(Fault("down", "call", "/abandoned", times=-1))
        try:
            yield
        finally:
            self._sidecar.faults.clear()

    @asynccontextmanager
    async def late(self) -> AsyncGenerator[Replica]:
        """Start a sidecar alone."""
        async with AsyncExitStack() as stack:
            yield await self._start(LATECOMER, App(LATECOMER.subscriptions), stack)
            late = self._sidecar.apps.pop()
            self._sidecar.pause(late)
