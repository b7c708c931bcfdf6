"""Handing over: a routed question as the event that its specialist reads."""

import re

from app.contracts.concepts import ConceptRequestEvent
from app.contracts.debug import ErrorRequestEvent
from app.contracts.event import Event
from app.contracts.exercise import ExerciseRequestEvent
from app.contracts.learnflow import Difficulty, Level, level_of
from app.contracts.learning import LearningQueryEvent
from app.contracts.review import CodeReviewRequestEvent
from app.domain.question import Question
from app.domain.routing import Decision

FIRST_TOPIC = "variables"
"""What an exercise is about when nothing else is known."""

DIFFICULTIES: tuple[tuple[str, Difficulty], ...] = (
    (r"\b(?:easy|easier|simple|beginner)\b", "easy"),
    (r"\b(?:hard|harder|difficult|tough|advanced)\b", "hard"),
)

DIFFICULTY_OF: dict[Level, Difficulty] = {
    "Beginner": "easy",
    "Learning": "medium",
    "Proficient": "hard",
    "Mastered": "hard",
}


def difficulty_of(question: Question, percent: float) -> Difficulty:
    """Return how hard an exercise shall be: as asked for, else by the mastery of 0–100."""
    if asked := question.context.difficulty:
        return asked
    for pattern, difficulty in DIFFICULTIES:
        if re.search(pattern, question.words, re.IGNORECASE):
            return difficulty
    return DIFFICULTY_OF[level_of(percent)]


def routed(query: LearningQueryEvent, decision: Decision) -> LearningQueryEvent:
    """Return the event that tells how a query was routed."""
    return query.model_copy(
        update={
            "event_id": query.derived_id(1),
            "specialist": decision.specialist,
            "topic": decision.topic,
        }
    )


def request_event(
    query: LearningQueryEvent, question: Question, decision: Decision, percent: float
) -> tuple[str, Event] | None:
    """Return the specialist's topic and request; None for progress, which reads all anyway.

    `percent` is the student's mastery of the topic, 0–100.
    """
    event_id, user_id = query.derived_id(2), query.user_id
    match decision.specialist:
        case "concepts":
            return "learning.concept-request", ConceptRequestEvent(
                event_id=event_id,
                user_id=user_id,
                concept=decision.topic or question.words or query.query,
                mastery_level=percent,
                query=question.words or None,
            )
        case "review":
            return "code.review-request", CodeReviewRequestEvent(
                event_id=event_id, user_id=user_id, code=question.code or ""
            )
        case "debug":
            return "code.error-request", ErrorRequestEvent(
                event_id=event_id,
                user_id=user_id,
                error_message=question.error,
                code_snippet=question.code,
                traceback=question.traceback,
            )
        case "exercise":
            return "exercise.request", ExerciseRequestEvent(
                event_id=event_id,
                user_id=user_id,
                topic=decision.topic or FIRST_TOPIC,
                difficulty=difficulty_of(question, percent),
                mastery_level=percent,
            )
        case "progress":
            return None
