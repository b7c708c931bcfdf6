"""A student's progress, as it is kept and as it is shown."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, Field

from app.contracts.learner import StudentId, UserId
from app.contracts.learnflow import Level
from app.contracts.progress import MasteryData
from app.contracts.struggle import StruggleAlertEvent

Colour = Literal["red", "yellow", "green", "blue"]


class TopicProgress(BaseModel):
    """What is known of a student and one topic."""

    scores: MasteryData | None = None
    scored_at: datetime | None = None
    exercises_completed: int = 0
    exercises_passed: int = 0
    last_updated: datetime


class ProgressState(BaseModel):
    """Learning progress at `progress:{user_id}` (seed 000), with what the rules need to count."""

    user_id: UserId
    total_exercises: int = 0
    passed_exercises: int = 0
    current_streak: int = 0
    longest_streak: int = 0
    last_activity_date: datetime | None = None
    modules_completed: list[str] = Field(default_factory=list)

    queries: int = 0
    answers: int = 0
    """Answers of all specialists, exercises included."""
    topics: dict[str, TopicProgress] = Field(default_factory=dict[str, TopicProgress])
    errors: dict[str, int] = Field(default_factory=dict)
    """Error type → how often since an exercise was passed."""
    failed_in_a_row: int = 0
    asked_for_help: int = 0
    """Since an exercise was passed."""
    open_exercises: dict[str, datetime] = Field(default_factory=dict)
    """Exercise → when the student got it, until it is passed."""
    alerts: list[StruggleAlertEvent] = Field(default_factory=list[StruggleAlertEvent])
    """The newest ones."""
    revision: int = 0
    """Counts the changes."""


class TopicReport(BaseModel):
    """The mastery of one topic."""

    mastery: float = Field(ge=0, le=1)
    level: Level
    colour: Colour
    exercises_completed: int
    exercises_passed: int


class ProgressReport(BaseModel):
    """A student's progress, as it is shown."""

    student_id: StudentId
    queries: int
    answers: int
    total_exercises: int
    passed_exercises: int
    current_streak: int
    """Days up to today or yesterday; 0 once a day was missed."""
    longest_streak: int
    last_activity_date: datetime | None
    overall_mastery: float = Field(ge=0, le=1)
    level: Level
    colour: Colour
    topics: dict[str, TopicReport]
    alerts: int
    """How many of the newest alerts are about this student."""
