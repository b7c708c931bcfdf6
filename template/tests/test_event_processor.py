"""Counting events."""

from datetime import UTC, date, datetime

from httpx2 import AsyncClient

from app.domain.counting import SHARDS, key_of
from app.models.event_processor import ActivityRecorded
from dev.sidecar import Sidecar

TOPIC = "activity.recorded"
MIDNIGHT = datetime(2026, 3, 1, tzinfo=UTC)


def an_activity(user_id: str = "stu-1", at: datetime = MIDNIGHT) -> ActivityRecorded:
    """Return an event."""
    return ActivityRecorded(user_id=user_id, activity="login", timestamp=at)


async def counted(client: AsyncClient, day: str = "2026-03-01") -> int:
    """Return the count of the example's events on a day."""
    answer = await client.get(f"/counts/{day}")
    assert answer.status_code == 200, answer.text
    return answer.json()["counts"]["ActivityRecorded"]


async def test_events_are_counted_by_day(client: AsyncClient, sidecar: Sidecar) -> None:
    """On the day they happened, whenever they come."""
    for user in range(20):
        await sidecar.deliver(TOPIC, an_activity(f"stu-{user}"))
    await sidecar.deliver(TOPIC, an_activity(at=datetime(2026, 2, 28, 23, 59, tzinfo=UTC)))
    assert await counted(client) == 20
    assert await counted(client, "2026-02-28") == 1


async def test_a_repeated_event_counts_once(client: AsyncClient, sidecar: Sidecar) -> None:
    """Delivery is at least once."""
    assert await sidecar.deliver(TOPIC, an_activity(), times=3) == ["SUCCESS"] * 3
    assert await counted(client) == 1


async def test_a_day_without_events_counts_nothing(client: AsyncClient) -> None:
    """Its types are shown, with zero."""
    answer = (await client.get("/counts/2026-03-02")).json()
    assert (answer["counts"]["ActivityRecorded"], answer["total"]) == (0, 0)


async def test_a_day_is_a_date(client: AsyncClient) -> None:
    """Anything else is invalid input."""
    assert (await client.get("/counts/yesterday")).status_code == 422


def test_the_same_event_falls_into_the_same_shard() -> None:
    """Else a repetition would count twice; others are spread."""
    event = an_activity()
    assert key_of(event) == key_of(event.model_copy())
    keys = {key_of(an_activity(f"stu-{user}")) for user in range(200)}
    assert len(keys) == SHARDS
    assert all(key[2] == date(2026, 3, 1).isoformat() for key in keys)
