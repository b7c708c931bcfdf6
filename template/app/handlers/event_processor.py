"""The example: activities, counted."""

from typing import Annotated

from fastapi import Depends

from app.core.key import Key
from app.core.resources import resource
from app.domain.counting import key_of, one_more
from app.models.counts import Count
from app.models.event_processor import ActivityRecorded
from app.services.pubsub import on
from app.services.state import StateStore


@on("activity.recorded")
async def recorded(
    event: ActivityRecorded, store: Annotated[StateStore, Depends(resource(StateStore))]
) -> None:
    """Count an activity, once however often it is delivered."""
    key = Key.of(*key_of("activity.recorded", event))
    await store.once(event.once_id, key, Count, one_more)
