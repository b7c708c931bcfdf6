"""Exercises and attempts at them, as they are kept and as students see them."""

from datetime import datetime

from pydantic import AliasChoices, BaseModel, Field

from app.contracts.exercise import Case, GeneratedExercise
from app.contracts.learner import UserId


class ExerciseState(BaseModel):
    """An exercise at `exercise:{exercise_id}`, hidden test cases included."""

    exercise_id: str
    user_id: str
    exercise: GeneratedExercise
    created_at: datetime


class Exercise(BaseModel):
    """An exercise as a student sees it: with the examples, without the hidden test cases."""

    exercise_id: str
    title: str
    description: str
    topic: str
    difficulty: str
    starter_code: str
    examples: list[Case]
    hints: list[str]
    estimated_time_minutes: int


class Attempt(BaseModel):
    """A submission that waits for its grade."""

    submission_id: str
    submission: str
    submitted_at: datetime


class AttemptsState(BaseModel):
    """A student's attempts at an exercise, at `attempts:{user_id}:{exercise_id}`, oldest first."""

    user_id: str
    exercise_id: str
    attempts: list[Attempt] = Field(default_factory=list[Attempt])


class Submission(BaseModel):
    """A solution that a client hands in."""

    user_id: UserId
    exercise_id: str = Field(min_length=1, max_length=256)
    submission: str = Field(
        min_length=1, max_length=20_000, validation_alias=AliasChoices("submission", "code")
    )
