"""Mastery: the writer of the shared store, in the progress service alone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.core.declaration.state import StateConfig
from app.core.feature import Feature
from app.core.resources import Resources
from app.services.mastery import MasteryWriter
from app.services.shared import open_shared
from app.services.sidecar import Sidecar


@asynccontextmanager
async def offer_writer(resources: Resources) -> AsyncGenerator[None]:
    """Offer the writer on the sidecar's connection."""
    resources.add(MasteryWriter(open_shared(resources.get(Sidecar), resources.get(StateConfig))))
    yield


feature = Feature(name="mastery", needs=["shared"], lifespan=offer_writer)
