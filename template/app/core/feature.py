"""Features: parts of the service that join by being there."""

import importlib
import pkgutil
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from types import ModuleType
from typing import TypeVar

from fastapi import APIRouter, FastAPI
from pydantic_settings import BaseSettings

from app.core.declaration import Section
from app.core.resources import Resources

T = TypeVar("T")


class StartError(Exception):
    """The service can't be put together; the message names the module."""


@dataclass(frozen=True, kw_only=True)
class Check:
    """A question `/ready` asks: `run` returns when all is well and raises when it is not."""

    name: str
    run: Callable[[Resources], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Feature:
    """One part of the service. A module offers it as `feature`; nothing else registers it."""

    name: str
    needs: Sequence[str] = ()
    """Features that open before this one and close after it."""
    settings: type[BaseSettings] | None = None
    """Read from the environment at start and added to the resources."""
    section: type[Section] | None = None
    """Its part of `service.yaml`, added to the resources."""
    lifespan: Callable[[Resources], AbstractAsyncContextManager[None]] | None = None
    """Opens what the feature holds, adds it to the resources, and closes it."""
    checks: Sequence[Check] = ()
    routers: Sequence[APIRouter] = ()
    install: Callable[[FastAPI, Resources], None] | None = None
    """Last touches on the application: routes by rule, middleware."""


def modules(package: str) -> Iterator[ModuleType]:
    """Import the modules of `package` by name; a StartError tells of a broken one."""
    for info in pkgutil.iter_modules(importlib.import_module(package).__path__):
        yield _load(f"{package}.{info.name}")


def attribute(module: ModuleType, name: str, kind: type[T]) -> T:
    """Return what a module must offer, or raise a StartError that names the module."""
    value = getattr(module, name, None)
    if not isinstance(value, kind):
        raise StartError(f"{module.__name__} offers no `{name}` of type {kind.__name__}")
    return value


def discover() -> list[Feature]:
    """Return the features in `app/features/` and, last, the user's own of `app/setup.py`."""
    found = [attribute(module, "feature", Feature) for module in modules("app.features")]
    return [*in_order(found), attribute(_load("app.setup"), "feature", Feature)]


def in_order(features: Iterable[Feature]) -> list[Feature]:
    """Sort features so that each comes after what it needs; StartError where that can't be."""
    named = {feature.name: feature for feature in features}
    order = TopologicalSorter({feature.name: feature.needs for feature in named.values()})
    try:
        return [named[name] for name in order.static_order()]
    except (CycleError, KeyError) as error:
        raise StartError(f"a feature lacks what it needs: {error}") from error


@asynccontextmanager
async def opened(
    features: Sequence[Feature], resources: Resources, _: FastAPI
) -> AsyncGenerator[None]:
    """Open the features in their order and close them in reverse."""
    async with AsyncExitStack() as stack:
        for feature in features:
            if feature.lifespan:
                await stack.enter_async_context(feature.lifespan(resources))
        yield


def _load(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except Exception as error:
        raise StartError(f"{name} can't be imported: {error!r}") from error
