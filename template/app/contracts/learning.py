"""A student's question: `learning.query`, and `learning.routed` once triage has decided."""

from pydantic import Field

from app.contracts.event import Event
from app.contracts.learner import UserId
from app.contracts.learnflow import QueryContext, Specialist


class LearningQueryEvent(Event):
    """Query submitted by a student; `specialist` and `topic` are what triage adds."""

    user_id: UserId
    query: str = Field(min_length=1)
    session_id: str | None = None
    context: QueryContext | None = None
    specialist: Specialist | None = None
    topic: str | None = None
