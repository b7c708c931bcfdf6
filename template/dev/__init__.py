"""For development and tests only, not in the image: what a service talks to, embedded.

Each package of `dev/` offers a `NAME` and a `companion(app_id, app_port, usual)`, a context manager
that starts a Companion; `usual` asks for the usual port if it is free.
"""

import asyncio
import importlib
import pkgutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import ModuleType


@dataclass(kw_only=True)
class Companion:
    """A server that runs beside the service; `env` is how the service finds it."""

    name: str
    url: str
    server: object
    env: dict[str, str] = field(default_factory=dict[str, str])
    ready: Callable[[], Awaitable[object]] = lambda: asyncio.sleep(0)
    """Returns when it knows the service that runs."""
    pause: Callable[[], None] = lambda: None
    """Called before the service restarts, `resume` after."""
    resume: Callable[[], None] = lambda: None


def packages() -> list[ModuleType]:
    """Return the packages that offer a companion."""
    found = pkgutil.iter_modules(__path__, "dev.")
    return [importlib.import_module(info.name) for info in found if info.ispkg]


@asynccontextmanager
async def started(app_id: str, app_port: int, *, usual: bool) -> AsyncGenerator[list[Companion]]:
    """Run the companions inside the block."""
    async with AsyncExitStack() as stack:
        starting = (package.companion(app_id, app_port, usual) for package in packages())
        yield [await stack.enter_async_context(each) for each in starting]
