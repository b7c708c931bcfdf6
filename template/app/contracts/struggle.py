"""`struggle.alert`: a student needs a person."""

from typing import Literal

from pydantic import BaseModel, ConfigDict

from app.contracts.event import Event
from app.contracts.learner import UserId

StruggleType = Literal[
    "repeated_error", "concept_gap", "time_exceeded", "failed_in_a_row", "asked_for_help"
]
Severity = Literal["low", "medium", "high"]


class StruggleContext(BaseModel):
    """What the alert stands on: only the fields that its type has."""

    model_config = ConfigDict(extra="allow")

    topic: str | None = None
    exercise_id: str | None = None
    error_type: str | None = None
    count: int | None = None
    minutes: float | None = None
    quiz: float | None = None


class StruggleAlertEvent(Event):
    """Alert that a student struggles."""

    user_id: UserId
    struggle_type: StruggleType
    severity: Severity = "medium"
    context: StruggleContext
    recommended_action: str
