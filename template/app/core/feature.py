"""Features: parts of the service that join by being there."""

import importlib
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from types import ModuleType

from fastapi import APIRouter, FastAPI
from pydantic import BaseModel
from pydantic_settings import BaseSettings

from app.core.resources import Resources


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
    section: type[BaseModel] | None = None
    """Its part of `service.yaml`, added to the resources."""
    lifespan: Callable[[Resources], AbstractAsyncContextManager[None]] | None = None
    """Opens what the feature holds, adds it to the resources, and closes it."""
    checks: Sequence[Check] = ()
    routers: Sequence[APIRouter] = ()
    install: Callable[[FastAPI, Resources], None] | None = None
    """Last touches on the application: routes by rule, middleware."""


class StartError(Exception):
    """The service can't be put together; the message names the module."""


def modules(package: str) -> Iterator[ModuleType]:
    """Import the modules of `package`, in the order of their names.

    Raises:
        StartError: a module fails to import.
    """
    root = importlib.import_module(package)
    for info in sorted(pkgutil.iter_modules(root.__path__), key=lambda info: info.name):
        name = f"{package}.{info.name}"
        try:
            yield importlib.import_module(name)
        except Exception as error:
            raise StartError(f"{name} can't be imported: {error!r}") from error


def discover() -> list[Feature]:
    """Return the features in `app/features/` and, last, the user's own of `app/setup.py`."""
    found = [_feature_of(module) for module in modules("app.features")]
    return [*in_order(found), _feature_of(importlib.import_module("app.setup"))]


def _feature_of(module: ModuleType) -> Feature:
    feature = getattr(module, "feature", None)
    if not isinstance(feature, Feature):
        raise StartError(f"{module.__name__} has no `feature: Feature`")
    return feature


def in_order(features: Iterable[Feature]) -> list[Feature]:
    """Sort features so that each comes after what it needs, else by name.

    Raises:
        StartError: a needed feature is missing, or two need each other.
    """
    waiting = sorted(features, key=lambda feature: feature.name)
    names = {feature.name for feature in waiting}
    ordered: list[Feature] = []
    for feature in waiting:
        if missing := set(feature.needs) - names:
            raise StartError(f"feature {feature.name} needs {', '.join(sorted(missing))}")
    while waiting:
        done = {feature.name for feature in ordered}
        ready = next((feature for feature in waiting if done.issuperset(feature.needs)), None)
        if ready is None:
            circle = ", ".join(feature.name for feature in waiting)
            raise StartError(f"features need each other in a circle: {circle}")
        waiting.remove(ready)
        ordered.append(ready)
    return ordered
