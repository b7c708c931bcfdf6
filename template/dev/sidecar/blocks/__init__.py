"""Dapr's building blocks, each a module that offers `block`; what is not there is not served."""

import asyncio
import importlib
import json
import pkgutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import unquote

from starlette.requests import Request
from starlette.routing import Route

from dev.sidecar.components import Component

if TYPE_CHECKING:
    from dev.sidecar.core import Sidecar


@dataclass(eq=False)
class App:
    """A replica of a service: `api_token` is asked of its calls, `app_token` sent to it."""

    app_id: str
    address: str
    components: Mapping[str, Component]
    api_token: str = ""
    app_token: str = ""
    up: asyncio.Event = field(default_factory=asyncio.Event)  # set while it answers
    started: bool = False  # whether it ever did
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


class DaprError(Exception):
    """A refusal or failure of the sidecar itself."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"errorCode": code, "message": message}


def parameter(request: Request, name: str) -> str:
    """Return a part of the path, decoded."""
    return unquote(request.path_params[name])


def metadata_of(request: Request) -> dict[str, str]:
    """Return the metadata of a request: `?metadata.name=value`, never headers."""
    given = request.query_params.items()
    return {name.removeprefix("metadata."): v for name, v in given if name.startswith("metadata.")}


def decoded(body: bytes | str, number: Callable[[str], float] | None = None) -> Any:
    """Read JSON as Dapr does: NaN, and what is nested too deeply, is none. Raises ValueError."""
    try:
        return json.loads(body, parse_int=number, parse_float=number, parse_constant=_no_number)
    except RecursionError as error:
        raise ValueError("exceeded max depth") from error


def _no_number(text: str) -> float:
    raise ValueError(f"invalid number {text}")


def number(text: str) -> float:
    """Return a number as it comes out of Dapr, which holds every number as float64."""
    found = float(text)
    if not isfinite(found):
        _no_number(text)
    return int(found) if found.is_integer() and abs(found) < 1e21 else found


class Deliver(Protocol):
    """Publishes an event as a client would, `times` over with one id, and waits until settled.

    Returns what each delivery was answered with: SUCCESS, RETRY, DROP or NOT_FOUND. `app` leaves
    all other subscribers out. Raises LookupError if nobody subscribes.
    """

    async def __call__(  # noqa: D102 - the class says it
        self, topic: str, event: object, *, times: int = 1, app: str | None = None
    ) -> list[str]: ...


class Read(Protocol):
    """Reads what an app saved: the decoded value, None where there is none.

    Prefixes may be left out. Raises LookupError if `store` or more of the key is needed.
    """

    async def __call__(self, key: str, store: str | None = None) -> Any: ...  # noqa: D102


def discover() -> Iterator[Callable[["Sidecar"], Block]]:
    """Return the `block` of every module that has one, by the modules' names."""
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        if hasattr(module, "block"):
            yield module.block
