"""Counting: how many events of each type happened on a day."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated

from fastapi import Depends

from app.contracts.event import Event
from app.core.key import Key
from app.core.resources import resource
from app.domain.counting import SHARDS, day_counts, key_of, one_more, shard_key, total
from app.models.counts import Count, DayCounts
from app.services.state import StateStore


class Counter:
    """Counts events in the state store, each once however often it is delivered."""

    def __init__(self, *, store: StateStore) -> None:
        self._store = store

    async def add(self, event: Event) -> None:
        """Count an event on the day it happened."""
        await self._store.once(event.once_id, Key.of(*key_of(event)), Count, one_more)

    async def of(self, day: date, event_types: Iterable[str]) -> DayCounts:
        """Return the counts of a day (UTC)."""
        totals: dict[str, int] = {}
        for event_type in event_types:
            shards = [Key.of(*shard_key(event_type, day, shard)) for shard in range(SHARDS)]
            totals[event_type] = total(await self._store.get_many(shards, Count))
        return day_counts(day, totals)


def counter(store: Annotated[StateStore, Depends(resource(StateStore))]) -> Counter:
    """Build it from what is open."""
    return Counter(store=store)


CounterDep = Annotated[Counter, Depends(counter)]
