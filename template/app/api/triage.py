"""Questions to be answered later: the answer comes as an event."""

from fastapi import APIRouter

from app.contracts.requests import AgentRequest
from app.domain.sessions import query_event
from app.models.session import Asked
from app.usecases.triage import TriageDep

router = APIRouter(tags=["triage"])


@router.post("/query", status_code=202)
async def submit(request: AgentRequest, triage: TriageDep) -> Asked:
    """Take a question and put it on its way."""
    query = query_event(request)
    await triage.submit(query)
    return Asked(query_id=query.event_id)
