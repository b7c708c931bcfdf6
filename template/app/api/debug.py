"""Help with errors: asked for, or answered at once."""

import time
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends

from app.agents.client import Agent
from app.contracts import keys
from app.contracts.debug import DebugAnalysis, ErrorRequestEvent
from app.contracts.requests import AgentResponse, DebugRequest
from app.core.resources import resource
from app.domain import hints
from app.domain.tracebacks import read_error
from app.models.accepted import Accepted
from app.models.pattern import ErrorPatternState
from app.services.publisher import Publisher
from app.services.state import StateStore

router = APIRouter(tags=["debug"])

Tutor = Annotated[Agent, Depends(resource(Agent))]
Store = Annotated[StateStore, Depends(resource(StateStore))]


@router.post("/errors", status_code=202)
async def submit(
    request: DebugRequest, publisher: Annotated[Publisher, Depends(resource(Publisher))]
) -> Accepted:
    """Ask about an error; it is answered on `code.error-hint`."""
    event = ErrorRequestEvent(
        user_id=request.student_id,
        error_message=request.query,
        code_snippet=request.code,
        traceback=_traceback(request),
    )
    await publisher.publish("code.error-request", event)
    return Accepted(request_id=event.event_id)


@router.post("/debug_error")
async def debug_error(request: DebugRequest, tutor: Tutor, store: Store) -> AgentResponse:
    """Give the next hint at once; the method that triage invokes."""
    started, now, efficiency = time.perf_counter(), datetime.now(UTC), 1.0
    text = _traceback(request) or request.query
    error = read_error(text)
    key = keys.error(error.hash(request.student_id))
    known = await store.get(key, ErrorPatternState)
    if known is None:
        question = hints.question(error, text, request.code, request.query)
        reply = await tutor.ask(question, DebugAnalysis)
        known = hints.seen(request.student_id, error, reply.content, now)
        efficiency = reply.token_efficiency
    pattern = await store.update(
        key, ErrorPatternState, lambda kept: hints.asked_again(kept or known, now)
    )
    return AgentResponse(
        response_id=str(uuid4()),
        agent_type="debug",
        student_id=request.student_id,
        content=pattern.hints_shown[-1],
        metadata=hints.about(error, pattern),
        token_efficiency=efficiency,
        processing_time_ms=(time.perf_counter() - started) * 1000,
    )


def _traceback(request: DebugRequest) -> str | None:
    return request.context.traceback if request.context else None
