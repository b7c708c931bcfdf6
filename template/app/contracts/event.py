"""Events: what services tell each other."""

from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import NAMESPACE_URL, uuid4, uuid5

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

Moment = Annotated[datetime, AfterValidator(lambda at: at if at.tzinfo else at.replace(tzinfo=UTC))]
"""A time that knows its zone: UTC where the sender named none."""


class Event(BaseModel):
    """Base of all events. Unknown fields are ignored: newer versions may add some."""

    model_config = ConfigDict(frozen=True, hide_input_in_errors=True)

    event_id: str = Field(default_factory=lambda: str(uuid4()), min_length=1, max_length=256)
    timestamp: Moment = Field(default_factory=lambda: datetime.now(UTC))
    version: str = "1.0"

    @property
    def once_id(self) -> str:
        """What tells a repetition: the `idempotency_key` where there is one, else the id."""
        return getattr(self, "idempotency_key", None) or self.event_id

    @property
    def key(self) -> str:
        """What its order is kept by: the learner, where it is about one."""
        return getattr(self, "user_id", None) or getattr(self, "student_id", None) or self.event_id

    def derived_id(self, number: int = 1) -> str:
        """Return the id of the `number`-th event that follows from this one: the same each time."""
        return str(uuid5(NAMESPACE_URL, f"{self.event_id}/{number}"))


class ErrorEvent(Event):
    """An event that could not be handled, for the dead-letter topic (seed 001)."""

    original_event_type: str
    original_topic: str | None = None
    error_type: str
    error_message: str
    failed_at: Moment = Field(default_factory=lambda: datetime.now(UTC))
    original_payload: dict[str, Any]
    retry_count: int = Field(default=0, ge=0, le=5)
    consumer_agent: str | None = None


def letter_id(consumer: str, topic: str | None, envelope: dict[str, Any]) -> str:
    """Return the id of the dead letter of an event: the same however often it fails."""
    return str(uuid5(NAMESPACE_URL, f"{consumer}/{topic}/{envelope.get('id', envelope)}"))
