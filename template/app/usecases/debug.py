"""Debugging: hints by the model, shown one at a time."""

import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends

from app.agents.client import Agent
from app.contracts import keys
from app.contracts.debug import DebugAnalysis, ErrorRequestEvent
from app.contracts.requests import AgentResponse, DebugRequest
from app.core.resources import resource
from app.domain import hints
from app.domain.tracebacks import read_error
from app.models.pattern import ErrorPatternState
from app.services.publisher import Publisher
from app.services.state import StateStore


class Debugger:
    """Keeps what is known of a student's errors, and gives the next hint."""

    def __init__(self, *, agent: Agent, store: StateStore, publisher: Publisher) -> None:
        self._agent = agent
        self._store = store
        self._publisher = publisher

    async def submit(self, event: ErrorRequestEvent) -> None:
        """Put a request on its way."""
        await self._publisher.publish("code.error-request", event)

    async def respond(self, event: ErrorRequestEvent) -> tuple[ErrorPatternState, float]:
        """Answer a request on `code.error-hint`; return the error's state and token efficiency.

        The model is asked once for each error, not for each hint.
        """
        now, efficiency = datetime.now(UTC), 1.0
        error = read_error(event.traceback or event.error_message)
        key = keys.error(error.hash(event.user_id))
        known = await self._store.get(key, ErrorPatternState)
        if known is None:
            question = hints.question(event, error)
            reply = await self._agent.ask(question, DebugAnalysis, user=event.user_id)
            efficiency = reply.token_efficiency
            code = event.code_snippet or ""
            known = hints.seen(event.user_id, error, reply.content, now, code)
        pattern = await self._store.once(
            event.once_id, key, ErrorPatternState, lambda kept: hints.asked(kept or known, now)
        )
        await self._publisher.publish("code.error-hint", hints.hint_event(event, pattern))
        return pattern, efficiency

    async def answer(self, request: DebugRequest) -> AgentResponse:
        """Answer a request at once; it leads as deep as one by event, and progress hears of it."""
        started = time.perf_counter()
        event = hints.request_event(request)
        pattern, efficiency = await self.respond(event)
        return AgentResponse(
            response_id=event.event_id,
            agent_type="debug",
            student_id=request.student_id,
            content=pattern.hints_shown[-1],
            metadata=hints.about(event, pattern),
            token_efficiency=efficiency,
            processing_time_ms=(time.perf_counter() - started) * 1000,
        )


def debugger(
    agent: Annotated[Agent, Depends(resource(Agent))],
    store: Annotated[StateStore, Depends(resource(StateStore))],
    publisher: Annotated[Publisher, Depends(resource(Publisher))],
) -> Debugger:
    """Build it from what is open."""
    return Debugger(agent=agent, store=store, publisher=publisher)


DebuggerDep = Annotated[Debugger, Depends(debugger)]
