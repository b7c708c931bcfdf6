"""Real daprd, a process for each replica, over real Kafka, Redis and PostgreSQL."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import yaml

from tests.contract.answers import mark
from tests.contract.app import App
from tests.contract.fleet import (
    API_TOKEN,
    APP_TOKEN,
    LATECOMER,
    OTHER,
    PATIENT,
    READER,
    SERVICES,
    Service,
    write_resources,
)
from tests.contract.world import Replica, client
from tests.stack import Part, daprd, kafka, postgresql, redis

PATIENCE = 40.0  # a consumer group may have to form first


class Real:
    """The services, each replica with a daprd of its own."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._stack = AsyncExitStack()
        self._replicas: list[Replica] = []
        self._serving: dict[int, AsyncExitStack] = {}
        self._parts: dict[str, Part] = {}
        """What can be killed: stores and the broker by kind, sidecars by the port of the app."""

    async def __aenter__(self) -> "Real":
        enter = self._stack.enter_async_context
        folder = self._folder
        broker, store, database = await asyncio.gather(
            enter(kafka(folder / "kafka")),
            enter(redis(folder / "redis")),
            enter(postgresql(folder / "postgresql")),
        )
        self._parts |= {"kafka": broker, "redis": store, "postgresql": database}
        (folder / "resources").mkdir()
        addresses = {
            "kafka": {"brokers": broker.address},
            "redis": {"redisHost": store.address, "redisPassword": ""},
            "postgresql": {"connectionString": database.url},
        }
        write_resources(folder / "resources", addresses)
        apps = [(s, App(s.subscriptions, PATIENCE)) for s in SERVICES for _ in range(s.replicas)]
        for _, app in apps:
            self._serving[app.port] = serving = AsyncExitStack()
            await serving.enter_async_context(app.serving())
            self._stack.push_async_exit(serving)
        for service, app in apps:
            self._replicas.append(await self._start(service, app, self._stack))
        await self._formed()
        return self

    async def _formed(self) -> None:
        """Wait until all who share events out get some."""
        others = self.replicas(OTHER)
        for topic, readers in (
            ("kafka/plain", self.replicas(READER)),
            ("kafka/tried", self.replicas(PATIENT)),
            ("kafka/shared", others),
            ("common/pooled", [*self.replicas(READER), *others]),
        ):
            await _formed(topic, readers)

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def _start(self, service: Service, app: App, stack: AsyncExitStack) -> Replica:
        folder = self._folder / f"{service.app_id}-{app.port}"
        folder.mkdir()
        env = {"DAPR_API_TOKEN": API_TOKEN, "APP_API_TOKEN": APP_TOKEN} if service.tokens else {}
        sidecar = await stack.enter_async_context(
            daprd(
                service.app_id,
                app.port,
                [self._folder / "resources"],
                folder,
                env=env,
                config=_configuration(folder, service),
                names=self._folder / "names.sqlite",
                arguments=["--enable-app-health-check"] if service.probed else [],
            )
        )
        self._parts[str(app.port)] = sidecar
        http = client(sidecar.http_port, API_TOKEN if service.tokens else "")
        await stack.enter_async_context(http)
        return Replica(service, app, http)

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)

    def replicas(self, app_id: str) -> Sequence[Replica]:
        """Return those of a service."""
        return [each for each in self._replicas if each.service.app_id == app_id]

    @asynccontextmanager
    async def away(self, replica: Replica) -> AsyncGenerator[None]:
        """Close the app's socket for a while."""
        serving = self._serving[replica.app.port]
        await serving.aclose()
        try:
            yield
        finally:
            await serving.enter_async_context(replica.app.serving())

    @asynccontextmanager
    async def without(self, kind: str) -> AsyncGenerator[None]:
        """Kill it, and start it again."""
        await self._parts[kind].kill()
        try:
            yield
        finally:
            await self._parts[kind].start()
            if kind == "kafka":
                await self._formed()

    @asynccontextmanager
    async def abandoned(self, replica: Replica) -> AsyncGenerator[None]:
        """Kill its daprd, and start it again."""
        sidecar = self._parts[str(replica.app.port)]
        await sidecar.kill()
        try:
            yield
        finally:
            await sidecar.start()

    @asynccontextmanager
    async def late(self) -> AsyncGenerator[Replica]:
        """Start a daprd alone."""
        async with AsyncExitStack() as stack:
            yield await self._start(LATECOMER, App(LATECOMER.subscriptions, PATIENCE), stack)


async def _formed(topic: str, readers: Sequence[Replica]) -> None:
    """Wait until each reader gets events: a consumer group takes its time to form."""
    word = mark()
    async with asyncio.timeout(PATIENCE):
        while not all(reader.app.seen(word) for reader in readers):
            url = f"/v1.0/publish/{topic}?metadata.partitionKey={mark()}"
            await readers[0].http.post(url, json=word)
            await asyncio.sleep(0.05)


def _configuration(folder: Path, service: Service) -> Path:
    spec: dict[str, Any] = {"tracing": {"samplingRate": "1"}}
    if service.closed:
        spec["accessControl"] = {"defaultAction": "deny", "trustDomain": "public"}
    document = {
        "apiVersion": "dapr.io/v1alpha1",
        "kind": "Configuration",
        "metadata": {"name": "own"},
        "spec": spec,
    }
    path = folder / "configuration.yaml"
    path.write_text(yaml.safe_dump(document), "utf-8")
    return path
