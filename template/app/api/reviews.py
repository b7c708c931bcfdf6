"""Code reviews: asked for and read later, or answered at once."""

import time
from typing import Annotated
from uuid import uuid4

from fastapi import APIRouter, Depends

from app.agents.client import Agent
from app.contracts import keys
from app.contracts.requests import AgentResponse, ReviewRequest
from app.contracts.review import CodeReview, CodeReviewRequestEvent
from app.core.errors import NotFoundError
from app.core.resources import resource
from app.domain.reviewing import question, summary
from app.models.accepted import Accepted
from app.models.review import CodeReviewState
from app.services.publisher import Publisher
from app.services.state import StateStore

router = APIRouter(tags=["reviews"])


@router.post("/reviews", status_code=202)
async def submit(
    request: ReviewRequest, publisher: Annotated[Publisher, Depends(resource(Publisher))]
) -> Accepted:
    """Ask for a review; it is answered on `code.review-feedback` and kept for 90 days."""
    event = CodeReviewRequestEvent(
        user_id=request.student_id, code=request.code, focus_areas=request.criteria
    )
    await publisher.publish("code.review-request", event)
    return Accepted(request_id=event.event_id)


@router.get("/reviews/{request_id}")
async def read(
    request_id: str, store: Annotated[StateStore, Depends(resource(StateStore))]
) -> CodeReviewState:
    """Read the review of a request; 404 until it is done."""
    state = await store.get(keys.review(request_id), CodeReviewState)
    if state is None:
        raise NotFoundError("review", request_id)
    return state


@router.post("/review_code")
async def review_code(
    request: ReviewRequest, tutor: Annotated[Agent, Depends(resource(Agent))]
) -> AgentResponse:
    """Review code at once; the method that triage invokes. The review is not kept."""
    started = time.perf_counter()
    asked = question(request.code, "python", request.criteria, request.query)
    reply = await tutor.ask(asked, CodeReview)
    return AgentResponse(
        response_id=str(uuid4()),
        agent_type="review",
        student_id=request.student_id,
        content=summary(reply.content),
        metadata=reply.content.model_dump(mode="json"),
        token_efficiency=reply.token_efficiency,
        processing_time_ms=(time.perf_counter() - started) * 1000,
    )
