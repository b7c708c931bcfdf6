"""What a service talks to: each package of `dev/` that offers a `companion` is started with it."""

import importlib
import pkgutil
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import dev

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Companion:
    """A server that runs beside the service."""

    name: str
    url: str
    server: object
    env: dict[str, str]
    """How the service finds it."""
    pause: Callable[[], None] = lambda: None
    """Called before the service restarts, `resume` after."""
    resume: Callable[[], None] = lambda: None


Start = Callable[[str, int, bool], AbstractAsyncContextManager[Companion]]
"""Starts one for an app-id and the app's port; true asks for the usual port if it is free."""


class Companions(list[Companion]):
    """All of them."""

    def get(self, kind: type[T]) -> T:
        """Return the server of a kind.

        Raises:
            LookupError: the service has none.
        """
        for companion in self:
            if isinstance(companion.server, kind):
                return companion.server
        raise LookupError(f"no {kind.__name__} here")


@asynccontextmanager
async def started(app_id: str, app_port: int, *, usual: bool) -> AsyncGenerator[Companions]:
    """Run the companions inside the block."""
    async with AsyncExitStack() as stack:
        found = Companions()
        for info in pkgutil.iter_modules(dev.__path__, "dev."):
            if info.ispkg:
                start: Start = importlib.import_module(info.name).companion
                found.append(await stack.enter_async_context(start(app_id, app_port, usual)))
        yield found
