"""Events that answer another one."""

from typing import Annotated

from pydantic import AliasChoices, Field

from app.contracts.event import Event


class AnswerEvent(Event):
    """An event that answers another one."""

    request_id: str = Field(min_length=1)
    """`event_id` of the event that it answers."""
    user_id: Annotated[
        str | None,
        Field(max_length=128, validation_alias=AliasChoices("user_id", "student_id")),
    ] = None
    """Who asked, where the answerer knows: so that progress can count it."""
