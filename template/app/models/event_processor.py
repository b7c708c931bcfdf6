"""Events of the example: put your own fields here."""

from pydantic import Field

from app.contracts.event import Event, UserId


class ActivityRecorded(Event):
    """Somebody did something."""

    user_id: UserId
    activity: str = Field(min_length=1, max_length=200)
