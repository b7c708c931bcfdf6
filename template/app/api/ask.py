"""Questions to be answered at once."""

from fastapi import APIRouter

from app.contracts.requests import AgentRequest, AgentResponse
from app.domain.sessions import query_event
from app.usecases.asking import AskingDep

router = APIRouter(tags=["triage"])


@router.post("/ask")
async def ask(request: AgentRequest, asking: AskingDep) -> AgentResponse:
    """Answer a question through the specialist who can."""
    return await asking.answer(query_event(request), request)
