"""Calling: a routed question as the request that its specialist's method takes."""

from typing import Any

from app.contracts.learnflow import Specialist
from app.contracts.requests import AgentRequest, DebugRequest, ExerciseRequest, ReviewRequest
from app.domain.handing import FIRST_TOPIC, difficulty_of
from app.domain.question import Question
from app.domain.routing import Decision

METHODS: dict[Specialist, tuple[str, str]] = {
    "concepts": ("concepts-service", "explain_concept"),
    "review": ("code-review-service", "review_code"),
    "debug": ("debug-service", "debug_error"),
    "exercise": ("exercise-service", "generate_exercise"),
    "progress": ("progress-service", "get_progress"),
}
"""Specialist → app-id and method, as `service.yaml` declares them."""


def request(
    asked: AgentRequest, question: Question, decision: Decision, percent: float
) -> AgentRequest:
    """Return the request that the specialist's method takes."""
    context = question.context.model_copy(
        update={
            "topic": decision.topic,
            "traceback": question.traceback,
            "mastery_level": percent,
        }
    )
    base: dict[str, Any] = {**asked.model_dump(exclude={"context"}), "context": context}
    match decision.specialist:
        case "review":
            return ReviewRequest(**base, code=question.code or "")
        case "debug" if question.code:
            return DebugRequest(**base, code=question.code)
        case "debug":  # no code was given: what there is, is the error
            return DebugRequest(**base, code=question.traceback or question.error, language="text")
        case "exercise":
            return ExerciseRequest(
                **base,
                topic=decision.topic or FIRST_TOPIC,
                difficulty=difficulty_of(question, percent),
            )
        case _:
            return AgentRequest(**base)
