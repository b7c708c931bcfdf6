"""Exercises: made by the model, kept for good; submissions, kept until they can be graded."""

import time
from datetime import UTC, datetime
from typing import Annotated

import structlog
from fastapi import Depends

from app.agents.client import Agent
from app.contracts import keys
from app.contracts.exercise import ExerciseRequestEvent, ExerciseSubmissionEvent, GeneratedExercise
from app.contracts.requests import AgentResponse, ExerciseRequest
from app.core.resources import resource
from app.domain import exercises
from app.models.exercise import AttemptsState, ExerciseState
from app.services.publisher import Publisher
from app.services.state import StateStore

log = structlog.get_logger("app.exercises")


class Exercises:
    """Makes exercises and takes submissions."""

    def __init__(self, *, agent: Agent, store: StateStore, publisher: Publisher) -> None:
        self._agent = agent
        self._store = store
        self._publisher = publisher

    async def submit(self, event: ExerciseRequestEvent) -> None:
        """Put a request on its way."""
        await self._publisher.publish("exercise.request", event)

    async def read(self, exercise_id: str) -> ExerciseState | None:
        """Return an exercise; None where there is none."""
        return await self._store.get(keys.exercise(exercise_id), ExerciseState)

    async def respond(
        self, event: ExerciseRequestEvent, question: str | None = None
    ) -> tuple[ExerciseState, float]:
        """Answer a request on `exercise.response`; return the exercise and token efficiency.

        Its id is the request's: a request that comes again gets the same exercise, paid once.
        """
        efficiency = 1.0
        state = await self.read(event.event_id)
        if state is None:
            asked = question or exercises.question(event)
            reply = await self._agent.ask(asked, GeneratedExercise, user=event.user_id)
            made, efficiency = reply.content, reply.token_efficiency
            new = exercises.record(event, made, datetime.now(UTC))
            key = keys.exercise(event.event_id)
            state = await self._store.once(event.once_id, key, ExerciseState, lambda _: new)
        await self._publisher.publish("exercise.response", exercises.response(event, state))
        return state, efficiency

    async def answer(self, request: ExerciseRequest) -> AgentResponse:
        """Answer a request at once; it is kept, and progress hears of it, as of any other."""
        started = time.perf_counter()
        event = exercises.request_event(request)
        question = exercises.question(event, request.constraints, request.query)
        state, efficiency = await self.respond(event, question)
        exercise = exercises.shown(state)
        return AgentResponse(
            response_id=event.event_id,
            agent_type="exercise",
            student_id=request.student_id,
            content=exercise.description,
            metadata=exercise.model_dump(mode="json"),
            token_efficiency=efficiency,
            processing_time_ms=(time.perf_counter() - started) * 1000,
        )

    async def attempt(self, event: ExerciseSubmissionEvent) -> None:
        """Keep a submission. Without a sandbox nothing can grade it: no grade is published."""
        await self._store.once(
            event.once_id,
            keys.attempts(event.user_id, event.exercise_id),
            AttemptsState,
            lambda before: exercises.attempted(before, event),
        )
        log.warning("grading.unavailable", submission_id=event.event_id, reason="no sandbox yet")


def exercises_of(
    agent: Annotated[Agent, Depends(resource(Agent))],
    store: Annotated[StateStore, Depends(resource(StateStore))],
    publisher: Annotated[Publisher, Depends(resource(Publisher))],
) -> Exercises:
    """Build it from what is open."""
    return Exercises(agent=agent, store=store, publisher=publisher)


ExercisesDep = Annotated[Exercises, Depends(exercises_of)]
