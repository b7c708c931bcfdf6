"""What the service holds while it runs, found by its type."""

from collections.abc import Callable
from typing import TypeVar, cast

from fastapi import Request

T = TypeVar("T")


class Resources:
    """Settings, clients and stores of the running service, one of each class."""

    def __init__(self, *items: object) -> None:
        self._items: dict[type, object] = {type(item): item for item in items}

    def add(self, item: object) -> None:
        """Offer `item` under its class; a second one of that class replaces it."""
        self._items[type(item)] = item

    def get(self, kind: type[T]) -> T:
        """Return the item of class `kind`; LookupError where its feature is off or not open yet."""
        if kind not in self._items:
            raise LookupError(f"no {kind.__name__} is open in this service")
        return cast("T", self._items[kind])


def resource(kind: type[T]) -> Callable[[Request], T]:
    """Return a FastAPI dependency: `Annotated[StateStore, Depends(resource(StateStore))]`."""

    def dependency(request: Request) -> T:
        return cast("Resources", request.app.state.resources).get(kind)

    return dependency
