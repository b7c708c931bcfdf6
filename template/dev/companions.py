"""What a service talks to: each package of `dev/` that offers a `companion` is started with it."""

import importlib
import pkgutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import dev

T = TypeVar("T")


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


@asynccontextmanager
async def started(app_id: str, app_port: int, *, usual: bool) -> AsyncGenerator[list[Companion]]:
    """Run the companions inside the block."""
    async with AsyncExitStack() as stack:
        found: list[Companion] = []
        for info in pkgutil.iter_modules(dev.__path__, "dev."):
            if info.ispkg:
                start: Start = importlib.import_module(info.name).companion
                found.append(await stack.enter_async_context(start(app_id, app_port, usual)))
        yield found


def server_of(companions: list[Companion], kind: type[T]) -> T:
    """Return the server of a kind."""
    return next(c.server for c in companions if isinstance(c.server, kind))
