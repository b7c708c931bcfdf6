"""Help with errors: asked for, or answered at once."""

from fastapi import APIRouter

from app.contracts.requests import AgentResponse, DebugRequest
from app.domain.hints import request_event
from app.models.accepted import Accepted
from app.usecases.debug import DebuggerDep

router = APIRouter(tags=["debug"])


@router.post("/errors", status_code=202)
async def submit(request: DebugRequest, debugger: DebuggerDep) -> Accepted:
    """Ask about an error; it is answered on `code.error-hint`."""
    event = request_event(request)
    await debugger.submit(event)
    return Accepted(request_id=event.event_id)


@router.post("/debug_error")
async def debug_error(request: DebugRequest, debugger: DebuggerDep) -> AgentResponse:
    """Give the next hint at once; the method that triage invokes."""
    return await debugger.answer(request)
