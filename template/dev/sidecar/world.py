"""What the core is given: a way to the apps, a clock, and what goes wrong."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Call:
    """A request; `path` holds the query, too."""

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What an app answered."""

    status: int
    headers: Headers = ()
    body: bytes = b""


class UnreachableError(Exception):
    """No connection was taken, or it broke before the answer."""


CallApp = Callable[[str, Call], Awaitable[Answer]]
"""Sends a call to the app at an address; raises UnreachableError, follows no redirects."""


class Clock:
    """The time in seconds since 1970: what `now` tells, and what was skipped."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now, self._skipped, self._leapt = now, 0.0, asyncio.Event()

    def now(self) -> float:
        """Return the time."""
        return self._now() + self._skipped

    def skip(self, seconds: float) -> None:
        """Leap: what lasts until then is over, and who sleeps wakes."""
        self._skipped += seconds
        self._leapt.set()
        self._leapt = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        """Return when that time is over."""
        until = self.now() + seconds
        while (left := until - self.now()) > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._leapt.wait(), left)


@dataclass
class Fault:
    """What befalls the next `times` calls of an operation, of those with `path` in theirs.

    Operations are `publish`, `deliver`, `invoke`, `health`, `state.get` …; `state.*` is several.
    After `seconds`, `error` fails with `status`, `conflict` with 409, and `down` reaches nobody:
    nothing is done. `drop` loses the answer, `duplicate` does it twice, `reorder` after the next.
    """

    kind: Literal["delay", "error", "conflict", "drop", "duplicate", "reorder", "down"]
    operation: str
    path: str = ""
    times: int = 1
    seconds: float = 0.0
    status: int = 500
