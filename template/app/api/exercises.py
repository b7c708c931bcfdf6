"""Exercises: asked for and read later, or made at once; submissions."""

import time
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends

from app.agents.client import Agent
from app.contracts import keys
from app.contracts.exercise import ExerciseRequestEvent, GeneratedExercise
from app.contracts.requests import AgentResponse, ExerciseRequest
from app.core.errors import NotFoundError, UnimplementedError
from app.core.resources import resource
from app.domain import exercises
from app.models.accepted import Accepted
from app.models.exercise import Exercise, ExerciseState, Submission
from app.services.publisher import Publisher
from app.services.state import StateStore

router = APIRouter(tags=["exercises"])

Tutor = Annotated[Agent, Depends(resource(Agent))]
Store = Annotated[StateStore, Depends(resource(StateStore))]


@router.post("/exercises", status_code=202)
async def ask(
    request: ExerciseRequest, publisher: Annotated[Publisher, Depends(resource(Publisher))]
) -> Accepted:
    """Ask for an exercise; it comes on `exercise.response`, and its id is the request's."""
    event = ExerciseRequestEvent(
        user_id=request.student_id,
        topic=request.topic,
        difficulty=request.difficulty or "medium",
        mastery_level=_mastery(request),
    )
    await publisher.publish("exercise.request", event)
    return Accepted(request_id=event.event_id)


@router.get("/exercises/{exercise_id}")
async def read(exercise_id: str, store: Store) -> Exercise:
    """Read an exercise as its student sees it."""
    kept = await store.get(keys.exercise(exercise_id), ExerciseState)
    if kept is None:
        raise NotFoundError("exercise", exercise_id)
    return exercises.shown(kept)


@router.post("/submissions", status_code=202, responses={501: {"description": "No sandbox yet."}})
async def submit(submission: Submission) -> Accepted:
    """Hand in a solution for a grade."""
    raise UnimplementedError(
        f"The submission to exercise '{submission.exercise_id}' was not taken:"
        " grading runs code, and there is no sandbox for it yet."
    )


@router.post("/generate_exercise")
async def generate_exercise(request: ExerciseRequest, tutor: Tutor, store: Store) -> AgentResponse:
    """Make an exercise at once; the method that triage invokes."""
    started = time.perf_counter()
    difficulty = request.difficulty or "medium"
    question = exercises.question(
        request.topic, difficulty, _mastery(request), request.constraints, request.query
    )
    reply = await tutor.ask(question, GeneratedExercise)
    kept = exercises.state(str(uuid4()), request.student_id, reply.content, datetime.now(UTC))
    await store.save(keys.exercise(kept.exercise_id), kept)
    exercise = exercises.shown(kept)
    return AgentResponse(
        response_id=str(uuid4()),
        agent_type="exercise",
        student_id=request.student_id,
        content=exercise.description,
        metadata=exercise.model_dump(mode="json"),
        token_efficiency=reply.token_efficiency,
        processing_time_ms=(time.perf_counter() - started) * 1000,
    )


def _mastery(request: ExerciseRequest) -> float:
    return (request.context.mastery_level if request.context else None) or 0.0
