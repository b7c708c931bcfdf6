"""Events of the example: put your own fields here."""

from pydantic import Field

from app.contracts.event import Event


class ActivityRecorded(Event):
    """Somebody did something."""

    user_id: str = Field(min_length=1, max_length=128)
    activity: str = Field(min_length=1, max_length=200)
