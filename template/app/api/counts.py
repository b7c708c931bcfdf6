"""What was counted."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends

from app.core.declaration.pubsub import PubSubConfig
from app.core.key import Key
from app.core.resources import resource
from app.domain.counting import SHARDS, day_counts, shard_key, total
from app.models.counts import Count, DayCounts
from app.services.state import StateStore

router = APIRouter(tags=["counts"])


@router.get("/counts/{day}")
async def counts(
    day: date,
    store: Annotated[StateStore, Depends(resource(StateStore))],
    config: Annotated[PubSubConfig, Depends(resource(PubSubConfig))],
) -> DayCounts:
    """Read how many events of each topic happened on a day (UTC)."""
    totals: dict[str, int] = {}
    for topic in (topic.name for topic in config.topics if topic.subscribe):
        shards = [Key.of(*shard_key(topic, day, shard)) for shard in range(SHARDS)]
        totals[topic] = total(await store.get_many(shards, Count))
    return day_counts(day, totals)
