"""Requests for a code review."""

from app.contracts.review import CodeReviewRequestEvent
from app.services.pubsub import on
from app.usecases.review import ReviewerDep


@on("code.review-request")
async def requested(event: CodeReviewRequestEvent, reviewer: ReviewerDep) -> None:
    """Review the code and tell the student."""
    await reviewer.respond(event)
