"""Questions and answers over HTTP, the same for all specialists (seed 001)."""

from datetime import UTC, datetime
from typing import Literal

from pydantic import BaseModel, Field, JsonValue

from app.contracts.learner import StudentId
from app.contracts.learnflow import MAX_CODE, Difficulty, QueryContext


def _now() -> datetime:
    return datetime.now(UTC)


class AgentRequest(BaseModel):
    """A student's question."""

    student_id: StudentId
    query: str = Field(min_length=1, max_length=1000)
    context: QueryContext | None = None
    timestamp: datetime = Field(default_factory=_now)


class DebugRequest(AgentRequest):
    """A question about an error."""

    code: str = Field(min_length=1, max_length=MAX_CODE)
    language: str = "python"


class ExerciseRequest(AgentRequest):
    """A wish for an exercise."""

    topic: str = Field(min_length=1, max_length=200)
    difficulty: Difficulty | None = "medium"
    constraints: dict[str, JsonValue] | None = None


class ReviewRequest(AgentRequest):
    """A question about the quality of a code."""

    code: str = Field(min_length=1, max_length=MAX_CODE)
    criteria: list[str] = Field(default_factory=lambda: ["readability", "efficiency", "style"])


class AgentResponse(BaseModel):
    """A specialist's answer."""

    response_id: str
    agent_type: Literal["progress", "debug", "concepts", "exercise", "review", "chat"]
    student_id: StudentId
    timestamp: datetime = Field(default_factory=_now)
    content: str
    metadata: dict[str, JsonValue] = Field(default_factory=dict)
    token_efficiency: float = Field(ge=0, le=1)
    """Share of the request's token budget left unspent; 1 where no model was asked."""
    processing_time_ms: float = Field(ge=0)
