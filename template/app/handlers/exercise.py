"""Requests for exercises, and submissions."""

from app.contracts.exercise import ExerciseRequestEvent, ExerciseSubmissionEvent
from app.services.pubsub import on
from app.usecases.exercise import ExercisesDep


@on("exercise.request")
async def requested(event: ExerciseRequestEvent, exercises: ExercisesDep) -> None:
    """Make an exercise and give it to the student."""
    await exercises.respond(event)


@on("exercise.submission")
async def submitted(event: ExerciseSubmissionEvent, exercises: ExercisesDep) -> None:
    """Keep the attempt until it can be graded."""
    await exercises.attempt(event)
