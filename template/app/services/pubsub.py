"""Subscribing: `@on(topic)` marks a handler; what it raises decides what becomes of the event."""

import inspect
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import TypeVar, get_type_hints

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
    def of(cls, module: ModuleType) -> Iterator["Subscription"]:
        """Find what `on` has marked in a module; the first parameter must be an Event."""
        for name, handler in inspect.getmembers(module, inspect.isfunction):
            topic = getattr(handler, "__topic__", None)
            if topic is None or handler.__module__ != module.__name__:
                continue
            event = get_type_hints(handler).get(next(iter(inspect.signature(handler).parameters)))
            if not (isinstance(event, type) and issubclass(event, Event)):
                raise TypeError(f"{module.__name__}.{name}: the first parameter is no Event")
            yield cls(topic, event, handler)
