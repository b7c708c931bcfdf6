"""Sessions, and what a student is told about a question."""

from datetime import datetime

from pydantic import BaseModel, Field, JsonValue


class SessionState(BaseModel):
    """A student's session, at `session:{id}` for an hour after the last question (seed 000)."""

    session_id: str
    user_id: str
    start_time: datetime
    last_activity: datetime
    current_topic: str | None = None
    query_count: int = 0
    metadata: dict[str, JsonValue] = Field(default_factory=dict)


class Asked(BaseModel):
    """The question is on its way; `query_id` is the id of its event."""

    query_id: str
