"""Exercises: asked for and read later, or made at once; submissions."""

from fastapi import APIRouter, HTTPException

from app.contracts.requests import AgentResponse, ExerciseRequest
from app.core.errors import NotFoundError
from app.domain.exercises import request_event, shown
from app.models.accepted import Accepted
from app.models.exercise import Exercise, Submission
from app.usecases.exercise import ExercisesDep

router = APIRouter(tags=["exercises"])


@router.post("/exercises", status_code=202)
async def ask(request: ExerciseRequest, exercises: ExercisesDep) -> Accepted:
    """Ask for an exercise; it comes on `exercise.response`, and its id is the request's."""
    event = request_event(request)
    await exercises.submit(event)
    return Accepted(request_id=event.event_id)


@router.get("/exercises/{exercise_id}")
async def read(exercise_id: str, exercises: ExercisesDep) -> Exercise:
    """Read an exercise as its student sees it."""
    if state := await exercises.read(exercise_id):
        return shown(state)
    raise NotFoundError("exercise", exercise_id)


@router.post("/submissions", status_code=202, responses={501: {"description": "No sandbox yet."}})
async def submit(submission: Submission) -> Accepted:
    """Hand in a solution for a grade."""
    raise HTTPException(
        501,
        f"The submission to exercise '{submission.exercise_id}' was not taken:"
        " grading runs code, and there is no sandbox for it yet.",
    )


@router.post("/generate_exercise")
async def generate_exercise(request: ExerciseRequest, exercises: ExercisesDep) -> AgentResponse:
    """Make an exercise at once; the method that triage invokes."""
    return await exercises.answer(request)
