"""What was counted."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends

from app.core.declaration.pubsub import PubSubConfig
from app.core.resources import resource
from app.models.counts import DayCounts
from app.usecases.counting import CounterDep

router = APIRouter(tags=["counts"])


@router.get("/counts/{day}")
async def counts(
    day: date,
    counter: CounterDep,
    config: Annotated[PubSubConfig, Depends(resource(PubSubConfig))],
) -> DayCounts:
    """Read how many events of each type happened on a day (UTC)."""
    event_types = {topic.event_type for topic in config.topics if topic.subscribe}
    return await counter.of(day, sorted(event_types))
