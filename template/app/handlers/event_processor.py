"""The example: activities, counted."""

from app.models.event_processor import ActivityRecorded
from app.services.pubsub import on
from app.usecases.counting import CounterDep


@on("activity.recorded")
async def recorded(event: ActivityRecorded, counter: CounterDep) -> None:
    """Count an activity."""
    await counter.add(event)
