"""Service invocation: calls to other services."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from app.core.declaration.invocation import InvokeConfig
from app.core.feature import Feature
from app.core.resources import Resources
from app.services.invoke import Invoker
from app.services.sidecar import Sidecar


@asynccontextmanager
async def open_invoker(resources: Resources) -> AsyncGenerator[None]:
    """Offer the client of the declared targets."""
    resources.add(Invoker(resources.get(Sidecar), resources.get(InvokeConfig)))
    yield


feature = Feature(name="invocation", needs=["sidecar"], section=InvokeConfig, lifespan=open_invoker)
