"""Changes of one entry that many want to make at once: one after the other."""

import asyncio
from collections.abc import Callable
from typing import TypeVar
from weakref import WeakValueDictionary

from pydantic import BaseModel

from app.core.errors import ConflictError
from app.core.key import Key
from app.services.state import StateStore

TRIES = 5
WAIT_SECONDS = 0.1

M = TypeVar("M", bound=BaseModel)


class Turns:
    """The store's `update`: in turns within the process, and with more patience for replicas."""

    def __init__(self, store: StateStore) -> None:
        self._store = store
        self._turns = WeakValueDictionary[str, asyncio.Lock]()

    async def update(self, key: Key, kind: type[M], change: Callable[[M | None], M]) -> M:
        """Replace the value by `change(value)`, when it is this one's turn.

        Raises:
            ConflictError: others were faster, time and again.
        """
        turn = self._turns.setdefault(key.text, asyncio.Lock())
        async with turn:
            for _ in range(TRIES - 1):
                try:
                    return await self._store.update(key, kind, change)
                except ConflictError:
                    await asyncio.sleep(WAIT_SECONDS)
            return await self._store.update(key, kind, change)
