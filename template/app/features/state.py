"""State: the service's own store."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from pydantic import BaseModel

from app.core.declaration.state import StateConfig
from app.core.feature import Check, Feature
from app.core.key import Key
from app.core.resources import Resources
from app.services.sidecar import Sidecar
from app.services.state import StateStore


@asynccontextmanager
async def open_store(resources: Resources) -> AsyncGenerator[None]:
    """Offer the store on the sidecar's connection."""
    resources.add(StateStore(resources.get(Sidecar), resources.get(StateConfig)))
    yield


async def store_ready(resources: Resources) -> None:
    """Read a key: the sidecar says it is healthy also when the store behind it is not."""
    await resources.get(StateStore).get(Key("ready"), BaseModel)


feature = Feature(
    name="state",
    needs=["sidecar"],
    section=StateConfig,
    lifespan=open_store,
    checks=[Check(name="state", run=store_ready)],
)
