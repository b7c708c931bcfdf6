"""Mastery: `learning.events`, and the shared states that progress writes and all read."""

from datetime import UTC, datetime
from typing import Annotated

from pydantic import (
    AfterValidator,
    BaseModel,
    Field,
    PlainSerializer,
    WithJsonSchema,
    model_validator,
)

from app.contracts.event import Event
from app.contracts.learner import StudentId, UserId
from app.contracts.learnflow import Percent

TOLERANCE = 0.001
"""How far a stated mastery may be off the calculated one (spec section 6)."""


def _clamped(score: float) -> float:
    return min(1.0, max(0.0, score))


def _milliseconds(time: datetime) -> int:
    return round(time.timestamp() * 1000)


def _now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


Score = Annotated[float, Field(allow_inf_nan=False), AfterValidator(_clamped)]
"""0–1; what is beyond is clamped on input."""

Milliseconds = Annotated[
    datetime,
    PlainSerializer(_milliseconds, return_type=int, when_used="json"),
    WithJsonSchema({"type": "integer", "description": "Unix time in milliseconds."}),
]
"""A time that is Unix milliseconds on the wire."""


class ComponentScores(BaseModel):
    """The four scores of a topic."""

    completion: Score
    quiz: Score
    quality: Score
    consistency: Score


class MasteryData(ComponentScores):
    """The four scores as they are kept (seed 001)."""


def mastery(scores: ComponentScores) -> float:
    """Weighted mean of the four scores, 0–1.

    0.4 completion, 0.3 quiz, 0.2 quality, 0.1 consistency (spec section 6).
    """
    return (
        0.4 * scores.completion
        + 0.3 * scores.quiz
        + 0.2 * scores.quality
        + 0.1 * scores.consistency
    )


def percent(share: float) -> float:
    """Convert a mastery of 0–1 (seed 001) to the 0–100 of seed 000's states and events."""
    return round(share * 100, 6)


class StudentProgress(Event):
    """New scores of a student in a topic; `mastery` must be what they give."""

    event_type: str = "student.progress.update"
    timestamp: Milliseconds = Field(default_factory=_now)
    student_id: StudentId
    component: str = Field(min_length=1)
    scores: ComponentScores
    mastery: float = Field(ge=0, le=1)
    idempotency_key: str = Field(min_length=1)

    @model_validator(mode="after")
    def _mastery_is_calculated(self) -> "StudentProgress":
        expected = mastery(self.scores)
        if abs(self.mastery - expected) > TOLERANCE + 1e-9:
            raise ValueError(f"mastery is {self.mastery}, the scores give {expected:.6g}")
        return self


class MasteryScores(BaseModel):
    """A student's mastery of all topics, at `student:{id}:mastery:latest`; mastery is 0–1."""

    student_id: StudentId
    latest_scores: dict[str, MasteryData]
    overall_mastery: float = Field(ge=0, le=1)
    """Mean over the topics tracked."""
    last_updated: datetime
    components_tracked: list[str]
    revision: int = 0
    """Counts the changes: the higher of two is the newer."""

    @property
    def total_components(self) -> int:
        """How many topics are tracked."""
        return len(self.components_tracked)

    def percent_of(self, topic: str) -> float:
        """Return the mastery of a topic, 0–100; 0 where nothing is known of it."""
        scores = self.latest_scores.get(topic)
        return percent(mastery(scores)) if scores else 0.0


class MasteryState(BaseModel):
    """A student's mastery of one topic, at `mastery:{user_id}:{topic}`; 0–100."""

    user_id: UserId
    topic: str
    mastery_level: Percent
    exercises_completed: int = 0
    exercises_passed: int = 0
    last_updated: datetime
    struggling_concepts: list[str] = Field(default_factory=list)
