"""Code reviews: asked for and read later, or answered at once."""

from fastapi import APIRouter

from app.contracts.requests import AgentResponse, ReviewRequest
from app.core.errors import NotFoundError
from app.domain.reviewing import request_event
from app.models.accepted import Accepted
from app.models.review import CodeReviewState
from app.usecases.review import ReviewerDep

router = APIRouter(tags=["reviews"])


@router.post("/reviews", status_code=202)
async def submit(request: ReviewRequest, reviewer: ReviewerDep) -> Accepted:
    """Ask for a review; it is answered on `code.review-feedback` and kept for 90 days."""
    event = request_event(request)
    await reviewer.submit(event)
    return Accepted(request_id=event.event_id)


@router.get("/reviews/{request_id}")
async def read(request_id: str, reviewer: ReviewerDep) -> CodeReviewState:
    """Read the review of a request; 404 until it is done."""
    if state := await reviewer.read(request_id):
        return state
    raise NotFoundError("review", request_id)


@router.post("/review_code")
async def review_code(request: ReviewRequest, reviewer: ReviewerDep) -> AgentResponse:
    """Review code at once; the method that triage invokes."""
    return await reviewer.answer(request)
