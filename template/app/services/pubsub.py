"""Subscribing: `@on(topic)` marks a handler; what it raises decides what becomes of the event."""

import inspect
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_type_hints

from app.contracts.event import Event

Handler = Callable[..., Awaitable[None]]
H = TypeVar("H", bound=Handler)


class Retry(Exception):  # noqa: N818 - it asks for something, it is no failure of the code
    """Raise it where a later try may work."""


class Drop(Exception):  # noqa: N818
    """Raise it where no try will ever work: Dapr's DROP, which dead-letters the event as it is."""


def on(topic: str) -> Callable[[H], H]:
    """Subscribe a handler: an async function of one event and any FastAPI dependencies."""

    def mark(handler: H) -> H:
        setattr(handler, "__topic__", topic)  # noqa: B010 - functions declare no such attribute
        return handler

    return mark


@dataclass(frozen=True)
class Subscription:
    """A handler and what it reads."""

    topic: str
    event: type[Event]
    handler: Handler

    @classmethod
    def of(cls, handler: Any) -> "Subscription | None":
        """Read the marks of `on`; None where there are none.

        Raises:
            TypeError: the first parameter is no event.
        """
        topic = getattr(handler, "__topic__", None)
        if not inspect.isfunction(handler) or not isinstance(topic, str):
            return None
        first = next(iter(inspect.signature(handler).parameters), "")
        event = get_type_hints(handler).get(first)
        if not (isinstance(event, type) and issubclass(event, Event)):
            raise TypeError(
                f"{handler.__module__}.{handler.__name__}: the first parameter is no Event"
            )
        return cls(topic, event, handler)
