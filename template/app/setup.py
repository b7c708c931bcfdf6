"""Your door: settings, resources, routes and middleware of your own; updates leave it alone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.core.feature import Feature
from app.core.resources import Resources


@asynccontextmanager
async def lifespan(resources: Resources) -> AsyncGenerator[None]:
    """Open what you need and `resources.add(…)` it; close it after the `yield`."""
    yield


def install(app: FastAPI, resources: Resources) -> None:
    """Add middleware or routes that no module of `app/api/` can."""


feature = Feature(name="setup", lifespan=lifespan, install=install)
