"""Exercises: the question to the model, and who sees which part of its answer."""

import re
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
from app.contracts.requests import ExerciseRequest
from app.domain.quoting import quoted
from app.domain.spoilers import gives_away, holds_line, telling
from app.models.exercise import Attempt, AttemptsState, Exercise, ExerciseState

EXAMPLES = 2
"""How many test cases a student sees; the others grade."""
MAX_ATTEMPTS = 100
"""How many attempts are kept for each student and exercise."""


def request_event(request: ExerciseRequest) -> ExerciseRequestEvent:
    """Return the event that asks what a request over HTTP asks."""
    return ExerciseRequestEvent(
        user_id=request.student_id,
        topic=request.topic,
        difficulty=request.difficulty or "medium",
        mastery_level=(request.context.mastery_level if request.context else None) or 0.0,
    )


def question(
    event: ExerciseRequestEvent,
    constraints: Mapping[str, JsonValue] | None = None,
    wish: str = "",
) -> str:
    """Ask for an exercise that fits a student."""
    parts = [
        f"Make one Python exercise of {event.difficulty} difficulty for a student whose mastery of"
        f" its topic is {event.mastery_level:.0f} of 100.",
        "Give a title, the problem, starter code, a solution, two or three hints that hold"
        " no code, and at least four test cases: input or call, and what is expected.",
        quoted("Topic", event.topic, 200),
    ]
    if constraints:
        listed = "\n".join(f"{name}: {value}" for name, value in constraints.items())
        parts.append(quoted("Constraints", listed, 1000))
    if wish:
        parts.append(quoted("Wish", wish, 1000))
    return "\n\n".join(parts)


def record(
    event: ExerciseRequestEvent, generated: GeneratedExercise, now: datetime
) -> ExerciseState:
    """Return the exercise of a request as it is kept, under the request's id and topic."""
    made = generated.model_copy(update={"topic": event.topic})
    return ExerciseState(
        exercise_id=event.event_id, user_id=event.user_id, exercise=made, created_at=now
    )


def examples(exercise: GeneratedExercise) -> list[Case]:
    """Return the test cases that a student sees; where there are several, one stays hidden."""
    return exercise.test_cases[: min(EXAMPLES, max(1, len(exercise.test_cases) - 1))]


def title(exercise: GeneratedExercise) -> str:
    """Return the title, or one made of topic and difficulty."""
    return exercise.title or f"{exercise.topic} ({exercise.difficulty})"


def spared(exercise: GeneratedExercise) -> GeneratedExercise:
    """Return an exercise without what gives its solution away, whatever the model wrote where.

    Headings of functions and imports give nothing away. A line of the problem that does is "…"; a
    title or a test case that does is left out.
    """
    heads = "\n".join(re.findall(r"(?m)^\s*(?:def|class|import|from)\b.*", exercise.solution))
    lines = telling([exercise.solution], heads)
    whole = bool(lines) and all(holds_line(exercise.starter_code, [line]) for line in lines)
    starter = "" if whole else exercise.starter_code
    lines = telling([exercise.solution], f"{heads}\n{starter}")
    seen = ["…" if holds_line(line, lines) else line for line in exercise.problem.splitlines()]
    problem = "\n".join(seen)
    named = "" if holds_line(exercise.title, lines) else exercise.title
    cases = [_plain(case) for case in exercise.test_cases if not holds_line(_text(case), lines)]
    update = {"title": named, "starter_code": starter, "problem": problem, "test_cases": cases}
    told = exercise.model_copy(update=update)
    own = "\n".join([heads, starter, problem, *map(_text, examples(told))])
    hints = [hint for hint in exercise.hints if not gives_away(hint, [exercise.solution], own)]
    return told.model_copy(update={"hints": hints, "solution": ""})


def _plain(case: Case) -> Case:
    """Return a test case without what the model has added to it."""
    return Case(input=case.input, call=case.call, expected=case.expected)


def _text(case: Case) -> str:
    return f"{case.call}\n{case.input}\n{case.expected}"


def shown(kept: ExerciseState) -> Exercise:
    """Return an exercise as its student sees it."""
    exercise = spared(kept.exercise)
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
    exercise = spared(kept.exercise)
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
