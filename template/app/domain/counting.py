"""Counting events by type and day, spread over shards.

One entry for a type would be one that all consumers contend for. An event always falls into the
same shard, so that it still counts once however often it is delivered.
"""

from collections.abc import Iterable
from datetime import UTC, date
from zlib import crc32

from app.contracts.event import Event
from app.models.counts import Count, DayCounts

SHARDS = 8


def key_of(event: Event) -> tuple[str, ...]:
    """Return the parts of the key that counts an event: on the day (UTC) it happened, not came."""
    day = event.timestamp.astimezone(UTC).date()
    return shard_key(type(event).__name__, day, crc32(event.key.encode()) % SHARDS)


def shard_key(event_type: str, day: date, shard: int) -> tuple[str, ...]:
    """Return the parts of the key of one shard."""
    return ("count", event_type, day.isoformat(), str(shard))


def one_more(count: Count | None) -> Count:
    """Return the count with one more event."""
    return Count(total=(count.total if count else 0) + 1)


def total(shards: Iterable[Count | None]) -> int:
    """Return the sum of the shards that there are."""
    return sum(count.total for count in shards if count)


def day_counts(day: date, totals: dict[str, int]) -> DayCounts:
    """Return the counts of a day; types without an event are shown, too."""
    return DayCounts(day=day, counts=totals, total=sum(totals.values()))
