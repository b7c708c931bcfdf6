"""Exercises: `exercise.request`, `.response`, `.submission`, `.graded`, and the exercise itself."""

from pydantic import BaseModel, ConfigDict, Field

from app.contracts.answer import AnswerEvent
from app.contracts.event import Event
from app.contracts.learner import UserId
from app.contracts.learnflow import Difficulty, Percent


class Case(BaseModel):
    """A test case: code decides by it whether a submission is right."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)

    input: str = ""
    """What the program reads from standard input."""
    call: str = ""
    """An expression to evaluate after the program has run, for example `add(1, 2)`."""
    expected: str = ""
    """What is printed or, with `call`, the `repr` of its value."""


class ExerciseRequestEvent(Event):
    """Request for a new exercise."""

    user_id: UserId
    topic: str = Field(min_length=1)
    difficulty: Difficulty = "medium"
    mastery_level: Percent = 0.0


class GeneratedExercise(BaseModel):
    """An exercise as the model makes it (seed 001)."""

    problem: str
    topic: str
    difficulty: Difficulty
    hints: list[str]
    test_cases: list[Case]
    estimated_time_minutes: int
    title: str = ""
    starter_code: str = ""
    solution: str = ""
    """For comparison only: no student sees it."""


class ExerciseResponseEvent(AnswerEvent):
    """A generated exercise."""

    exercise_id: str
    title: str
    description: str
    starter_code: str
    test_cases: list[Case]
    expected_output: str | None = None
    difficulty: Difficulty
    topic: str | None = None


class ExerciseSubmissionEvent(Event):
    """A solution, to be graded."""

    user_id: UserId
    exercise_id: str
    submission: str


class ExerciseGradedEvent(Event):
    """The grade of a submission; `submission_id` is the submission's `event_id`."""

    submission_id: str
    exercise_id: str
    user_id: UserId
    passed: bool
    score: Percent
    feedback: str
    topic: str | None = None
