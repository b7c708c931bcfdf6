"""Exercises: the question to the model, and who sees which part of its answer."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import JsonValue

from app.contracts.exercise import (
    Case,
    ExerciseRequestEvent,
    ExerciseResponseEvent,
    ExerciseSubmissionEvent,
    GeneratedExercise,
)
from app.domain.quoting import quoted
from app.models.exercise import Attempt, AttemptsState, Exercise, ExerciseState

EXAMPLES = 2
"""How many test cases a student sees; the others grade."""
MAX_ATTEMPTS = 100
"""How many attempts are kept for each student and exercise."""


def question(
    topic: str,
    difficulty: str,
    mastery_percent: float = 0.0,
    constraints: Mapping[str, JsonValue] | None = None,
    wish: str = "",
) -> str:
    """Ask for an exercise that fits a student."""
    parts = [
        f"Make one Python exercise of {difficulty} difficulty for a student whose mastery of its"
        f" topic is {mastery_percent:.0f} of 100.",
        "Give a title, the problem, starter code, two or three hints that hold no solution, and"
        " at least four test cases: input or call, and what is expected.",
        quoted("Topic", topic, 200),
    ]
    if constraints:
        listed = "\n".join(f"{name}: {value}" for name, value in constraints.items())
        parts.append(quoted("Constraints", listed, 1000))
    if wish:
        parts.append(quoted("Wish", wish, 1000))
    return "\n\n".join(parts)


def state(
    exercise_id: str, user_id: str, generated: GeneratedExercise, now: datetime
) -> ExerciseState:
    """Return an exercise as it is kept."""
    return ExerciseState(
        exercise_id=exercise_id, user_id=user_id, exercise=generated, created_at=now
    )


def examples(exercise: GeneratedExercise) -> list[Case]:
    """Return the test cases that a student sees; where there are several, one stays hidden."""
    return exercise.test_cases[: min(EXAMPLES, max(1, len(exercise.test_cases) - 1))]


def title(exercise: GeneratedExercise) -> str:
    """Return the title, or one made of topic and difficulty."""
    return exercise.title or f"{exercise.topic} ({exercise.difficulty})"


def shown(kept: ExerciseState) -> Exercise:
    """Return an exercise as its student sees it."""
    exercise = kept.exercise
    return Exercise(
        exercise_id=kept.exercise_id,
        title=title(exercise),
        description=exercise.problem,
        topic=exercise.topic,
        difficulty=exercise.difficulty,
        starter_code=exercise.starter_code,
        examples=examples(exercise),
        hints=exercise.hints,
        estimated_time_minutes=exercise.estimated_time_minutes,
    )


def response(event: ExerciseRequestEvent, kept: ExerciseState) -> ExerciseResponseEvent:
    """Return the answer to a request: what its student sees."""
    exercise = kept.exercise
    return ExerciseResponseEvent(
        event_id=event.derived_id(),
        request_id=event.event_id,
        user_id=event.user_id,
        exercise_id=kept.exercise_id,
        title=title(exercise),
        description=exercise.problem,
        starter_code=exercise.starter_code,
        test_cases=examples(exercise),
        difficulty=exercise.difficulty,
        topic=event.topic,
    )


def attempted(attempts: AttemptsState | None, event: ExerciseSubmissionEvent) -> AttemptsState:
    """Return a student's attempts with one more."""
    attempt = Attempt(
        submission_id=event.event_id, submission=event.submission, submitted_at=event.timestamp
    )
    before = attempts.attempts if attempts else []
    return AttemptsState(
        user_id=event.user_id,
        exercise_id=event.exercise_id,
        attempts=[*before, attempt][-MAX_ATTEMPTS:],
    )
