"""Dapr's building blocks, each a module that offers `block`; what is not there is not served."""

import asyncio
import importlib
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from starlette.routing import Route

from dev.sidecar.components import Component

if TYPE_CHECKING:
    from dev.sidecar.core import Sidecar


@dataclass(eq=False, kw_only=True)
class App:
    """One replica of a service; replicas share their `app_id`."""

    app_id: str
    address: str
    components: Mapping[str, Component]
    namespace: str = ""
    api_token: str = ""
    """Asked of the app's calls (DAPR_API_TOKEN)."""
    app_token: str = ""
    """Sent with calls to the app (APP_API_TOKEN)."""
    up: asyncio.Event = field(default_factory=asyncio.Event)
    """Set while the app answers, as far as is known."""
    started: bool = False
    """Whether it ever did."""
    watch: asyncio.Task[None] | None = None


class Block:
    """A building block: routes, and what it does as apps come and go."""

    def routes(self, app: App) -> Sequence[Route]:
        """Return its part of an app's API; paths are matched as sent, with %2F in place."""
        return ()

    async def app_up(self, app: App) -> None:
        """Learn what there is to know of an app that answers now."""

    def app_down(self, app: App) -> None:
        """Forget it."""


@runtime_checkable
class Events(Protocol):
    """The tests' door to a block that delivers."""

    async def deliver(self, topic: str, event: object, times: int, app: str | None) -> list[str]:
        """See `Sidecar.deliver`."""
        ...

    def published(self, topic: str) -> list[Any]:
        """See `Sidecar.published`."""
        ...


@runtime_checkable
class Values(Protocol):
    """The tests' door to a block that stores."""

    def value(self, key: str, store: str | None) -> Any:
        """See `Sidecar.state`."""
        ...


def discover() -> Iterator[Callable[["Sidecar"], Block]]:
    """Return the `block` of every module that has one, by the modules' names."""
    for info in sorted(pkgutil.iter_modules(__path__), key=lambda info: info.name):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "block"):
            yield module.block
