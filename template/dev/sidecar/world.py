"""What the core is given: a way to the apps, and a clock. What it tells: records."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Call:
    """A request to an app; `path` holds the query, too."""

    method: str
    path: str
    headers: Headers = ()
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What the app answered."""

    status: int
    headers: Headers = ()
    body: bytes = b""


class UnreachableError(Exception):
    """The app took no connection, or it broke before the answer."""


CallApp = Callable[[str, Call], Awaitable[Answer]]
"""Sends a call to the app at an address; raises UnreachableError, follows no redirects."""


@dataclass(frozen=True)
class Clock:
    """The time: seconds since 1970, and a pause of some seconds."""

    now: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]


@dataclass(frozen=True)
class Record:
    """Something that happened at the sidecar of `app`.

    `kind` is `published`, `delivered`, `answered`, `invoked`, `state.get` …; `subject` the topic,
    the store and its keys, or the app and its method; `outcome` the status that was answered, or
    what the answer to a delivery means.
    """

    kind: str
    app: str
    subject: str
    trace_id: str
    event_id: str = ""
    outcome: str = ""
    ms: float = 0.0


Listener = Callable[[Record], None]
