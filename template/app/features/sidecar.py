"""The connection to the Dapr sidecar, shared by the building blocks."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.core.feature import Check, Feature
from app.core.resources import Resources
from app.services.sidecar import Sidecar, SidecarSettings


@asynccontextmanager
async def open_sidecar(resources: Resources) -> AsyncGenerator[None]:
    """Open the connection pool and wait a bounded time for the sidecar's components."""
    settings = resources.get(SidecarSettings)
    async with Sidecar.open(settings) as sidecar:
        resources.add(sidecar)
        await sidecar.wait(settings.dapr_start_seconds)
        yield


feature = Feature(
    name="sidecar",
    settings=SidecarSettings,
    lifespan=open_sidecar,
    checks=[Check(name="sidecar", run=lambda resources: resources.get(Sidecar).healthy())],
)
