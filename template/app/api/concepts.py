"""Explanations at once."""

from fastapi import APIRouter

from app.contracts.requests import AgentRequest, AgentResponse
from app.usecases.concepts import ExplainerDep

router = APIRouter(tags=["concepts"])


@router.post("/explain_concept")
async def explain_concept(request: AgentRequest, explainer: ExplainerDep) -> AgentResponse:
    """Explain a concept; the method that triage calls."""
    return await explainer.answer(request)
