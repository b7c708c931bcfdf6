"""The shared store: reading what all services know of a student."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.core.declaration.state import StateConfig
from app.core.feature import Check, Feature
from app.core.resources import Resources
from app.services.shared import SharedState, open_shared
from app.services.sidecar import Sidecar


@asynccontextmanager
async def offer_shared(resources: Resources) -> AsyncGenerator[None]:
    """Offer the reader on the sidecar's connection."""
    resources.add(SharedState(open_shared(resources.get(Sidecar), resources.get(StateConfig))))
    yield


async def shared_ready(resources: Resources) -> None:
    """Read a key that nobody has."""
    await resources.get(SharedState).mastery("ready")


feature = Feature(
    name="shared",
    needs=["sidecar", "state"],
    lifespan=offer_shared,
    checks=[Check(name="shared state", run=shared_ready)],
)
