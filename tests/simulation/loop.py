"""An event loop with a time of its own: where nothing is left to do, it leaps to the next timer."""

import asyncio
from collections.abc import Callable, Mapping
from selectors import SelectorKey, SelectSelector
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class StalledError(Exception):
    """Everything waits for something else, and no timer is set."""


class _Leaping(SelectSelector):
    """Waits for no socket: the time leaps instead."""

    def __init__(self, leap: Callable[[float], None]) -> None:
        super().__init__()
        self._leap = leap

    def select(self, timeout: float | None = None) -> list[tuple[SelectorKey, int]]:
        if timeout is None:
            raise StalledError
        self._leap(max(0.0, timeout))
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time begins at zero and passes only while all tasks wait; there are no threads."""

    def __init__(self) -> None:
        self._passed = 0.0
        super().__init__(_Leaping(self._pass))
        self.set_exception_handler(_ignore)

    def _pass(self, seconds: float) -> None:
        self._passed += seconds

    def time(self) -> float:
        """Return the seconds since the loop was made."""
        return self._passed

    def run_in_executor(
        self, executor: Any, func: Callable[[*Ts], T], *args: *Ts
    ) -> asyncio.Future[T]:
        """Call `func` at once: the order in which threads run can't be repeated."""
        future: asyncio.Future[T] = self.create_future()
        future.set_result(func(*args))
        return future

    async def getaddrinfo(self, *_: Any, **__: Any) -> Any:
        """Refuse: what asks for an address wants a socket, and would leave the simulation."""
        raise AssertionError("the simulation has no sockets")


def _ignore(_: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
    """Pass over tasks that are left behind: an app that dies leaves them."""
