"""The code of several services in one process, although each calls its package `app`."""

import copy
import gc
import importlib
import logging
import sys
import time
import warnings
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import patch

import structlog
from fastapi import FastAPI
from prometheus_client import REGISTRY


class Code:
    """A rendered service, imported under names of its own; `modules` are those of its `app`."""

    def __init__(self, folder: Path) -> None:
        self.modules: dict[str, ModuleType] = {}
        self.folder = folder
        with self._imports():
            importlib.import_module("app.main")

    def attribute(self, module: str, name: str) -> Any:
        """Return something of a module."""
        return getattr(self.modules[module], name)

    def replace(self, module: str, name: str, value: object) -> None:
        """Put something else in the place of a global of a module; no other service sees it."""
        setattr(self.modules[module], name, value)

    def replace_everywhere(self, old: object, new: object) -> None:
        """Replace what several modules have imported."""
        for module in self.modules.values():
            for name in [name for name, value in vars(module).items() if value is old]:
                setattr(module, name, new)

    def create(self, environment: Mapping[str, str]) -> "Service":
        """Put a service together."""
        with patch.dict("os.environ", environment), self._imports():
            application: FastAPI = self.attribute("app.main", "create_app")()
            features: list[Any] = self.attribute("app.core.feature", "discover")()
        return Service(self, application, features)

    @contextmanager
    def _imports(self) -> Generator[None]:
        others = _take_out()
        sys.modules.update(self.modules)
        sys.path.insert(0, str(self.folder))
        # the same metric in each service: nobody reads them here
        with patch.object(REGISTRY, "register"):
            try:
                yield
            finally:
                sys.path.remove(str(self.folder))
                self.modules = _take_out()
                sys.modules.update(others)


class Service:
    """An application and what it held before its start."""

    def __init__(self, code: Code, application: FastAPI, features: list[Any]) -> None:
        self.application = application
        self._opened = code.attribute("app.core.feature", "opened")
        self._features = features
        self._resources = copy.deepcopy(application.state.resources)

    def lifespan(self) -> Any:
        """Start anew: nothing is left of what an earlier run held in memory."""
        self.application.state.resources = resources = copy.deepcopy(self._resources)
        return self._opened(self._features, resources, self.application)


def _take_out() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name == "app" or name.startswith("app.")]
    return {name: sys.modules.pop(name) for name in names}


class VirtualTime(ModuleType):
    """Stands for the module `time`."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__("time")
        self.time = self.monotonic = self.perf_counter = now
        self.time_ns = lambda: round(now() * 1e9)


def virtual_datetime(now: Callable[[], float]) -> type[datetime]:
    """Return a class that stands for `datetime`."""

    class Virtual(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> datetime:  # pyright: ignore[reportIncompatibleMethodOverride]
            return datetime.fromtimestamp(now(), tz)

    return Virtual


def use_time(code: Code, now: Callable[[], float]) -> None:
    """Give a service another time; annotations of models keep the real class."""
    code.replace_everywhere(time, VirtualTime(now))
    code.replace_everywhere(datetime, virtual_datetime(now))


@contextmanager
def no_threads() -> Generator[None]:
    """Let plain functions be called where FastAPI would use a thread."""

    async def here(function: Callable[..., Any], *given: Any, **_: Any) -> Any:
        return function(*given)

    with patch("anyio.to_thread.run_sync", here):
        yield


def _drop(*_: object) -> str:
    raise structlog.DropEvent


@contextmanager
def quiet() -> Generator[None]:
    """Let services log nothing."""
    before = structlog.get_config()
    only_critical = structlog.make_filtering_bound_logger(logging.CRITICAL)
    structlog.configure(wrapper_class=only_critical, processors=[_drop])
    try:
        # coroutines of processes that died complain when they are thrown away
        with patch.object(sys, "unraisablehook"), warnings.catch_warnings(action="ignore"):
            yield
            gc.collect()  # here and now, not in the middle of something else
    finally:
        structlog.configure(**before)
