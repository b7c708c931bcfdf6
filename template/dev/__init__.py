"""For development and tests only, not in the image: what a service talks to, embedded.

Each package of `dev/` offers a `NAME` and a `companion`, which is started with the service.
"""

import importlib
import pkgutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from types import ModuleType


async def _nothing() -> None:
    return


@dataclass(kw_only=True)
class Companion:
    """A server that runs beside the service; `env` is how the service finds it."""

    name: str
    url: str
    server: object
    env: dict[str, str] = field(default_factory=dict[str, str])
    ready: Callable[[], Awaitable[None]] = _nothing
    """Returns when it knows the service that runs."""
    pause: Callable[[], None] = lambda: None
    """Called before the service restarts, `resume` after."""
    resume: Callable[[], None] = lambda: None


Start = Callable[[str, int, bool], AbstractAsyncContextManager[Companion]]
"""Starts one for an app-id and the app's port; true asks for the usual port if it is free."""


def packages() -> list[ModuleType]:
    """Return the packages that offer a companion."""
    found = pkgutil.iter_modules(__path__, "dev.")
    return [importlib.import_module(info.name) for info in found if info.ispkg]


@asynccontextmanager
async def started(app_id: str, app_port: int, *, usual: bool) -> AsyncGenerator[list[Companion]]:
    """Run the companions inside the block."""
    async with AsyncExitStack() as stack:
        found: list[Companion] = []
        for package in packages():
            start: Start = package.companion
            found.append(await stack.enter_async_context(start(app_id, app_port, usual)))
        yield found
