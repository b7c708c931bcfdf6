"""Requests for exercises, and submissions."""

from datetime import UTC, datetime
from typing import Annotated

import structlog
from fastapi import Depends

from app.agents.client import Agent
from app.contracts import keys
from app.contracts.exercise import ExerciseRequestEvent, ExerciseSubmissionEvent, GeneratedExercise
from app.core.resources import resource
from app.domain import exercises
from app.models.exercise import AttemptsState, ExerciseState
from app.services.publisher import Publisher
from app.services.pubsub import on
from app.services.state import StateStore

log = structlog.get_logger("app.exercises")

Tutor = Annotated[Agent, Depends(resource(Agent))]
Store = Annotated[StateStore, Depends(resource(StateStore))]
Publish = Annotated[Publisher, Depends(resource(Publisher))]


@on("exercise.request")
async def requested(
    event: ExerciseRequestEvent, tutor: Tutor, store: Store, publisher: Publish
) -> None:
    """Make an exercise, keep it for good, give it to the student.

    Its id is the request's: a request that comes again gets the same exercise, paid once.
    """
    key = keys.exercise(event.event_id)
    kept = await store.get(key, ExerciseState)
    if kept is None:
        question = exercises.question(event.topic, event.difficulty, event.mastery_level)
        made = (await tutor.ask(question, GeneratedExercise)).content
        new = exercises.state(event.event_id, event.user_id, made, datetime.now(UTC))
        kept = await store.once(event.once_id, key, ExerciseState, lambda _: new)
    await publisher.publish("exercise.response", exercises.response(event, kept))


@on("exercise.submission")
async def submitted(event: ExerciseSubmissionEvent, store: Store) -> None:
    """Keep the attempt. Without a sandbox nothing can grade it, so no grade is published."""
    key = keys.attempts(event.user_id, event.exercise_id)
    await store.once(
        event.once_id, key, AttemptsState, lambda before: exercises.attempted(before, event)
    )
    log.warning("grading.unavailable", submission_id=event.event_id, reason="no sandbox yet")
