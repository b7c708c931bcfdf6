"""Code review: reviews by the model, kept for 90 days."""

import time
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends

from app.agents.client import Agent, Reply
from app.contracts import keys
from app.contracts.requests import AgentResponse, ReviewRequest
from app.contracts.review import CodeReview, CodeReviewRequestEvent
from app.core.resources import resource
from app.domain import reviewing
from app.models.review import CodeReviewState
from app.services.publisher import Publisher
from app.services.state import StateStore


class Reviewer:
    """Reviews code, keeps the review, and tells it to whom it concerns."""

    def __init__(self, *, agent: Agent, store: StateStore, publisher: Publisher) -> None:
        self._agent = agent
        self._store = store
        self._publisher = publisher

    async def submit(self, event: CodeReviewRequestEvent) -> None:
        """Put a request on its way."""
        await self._publisher.publish("code.review-request", event)

    async def read(self, request_id: str) -> CodeReviewState | None:
        """Return the review of a request; None until it is done."""
        return await self._store.get(keys.review(request_id), CodeReviewState)

    async def respond(self, event: CodeReviewRequestEvent) -> None:
        """Answer a request on `code.review-feedback`; one that comes again is not paid again."""
        state = await self.read(event.event_id)
        if state is None:
            state = await self._keep(event, (await self._review(event)).content)
        await self._publisher.publish("code.review-feedback", reviewing.feedback(event, state))

    async def answer(self, request: ReviewRequest) -> AgentResponse:
        """Answer a request at once; it is kept, and progress hears of it, as of any other."""
        started = time.perf_counter()
        event = reviewing.request_event(request)
        reply = await self._review(event, request.query)
        state = await self._keep(event, reply.content)
        await self._publisher.publish("code.review-feedback", reviewing.feedback(event, state))
        return AgentResponse(
            response_id=event.event_id,
            agent_type="review",
            student_id=request.student_id,
            content=reviewing.summary(reply.content),
            metadata=reply.content.model_dump(mode="json"),
            token_efficiency=reply.token_efficiency,
            processing_time_ms=(time.perf_counter() - started) * 1000,
        )

    async def _review(self, event: CodeReviewRequestEvent, wish: str = "") -> Reply[CodeReview]:
        question = reviewing.question(event.code, event.language, event.focus_areas, wish)
        return await self._agent.ask(question, CodeReview, user=event.user_id)

    async def _keep(self, event: CodeReviewRequestEvent, review: CodeReview) -> CodeReviewState:
        state = reviewing.record(event, review, datetime.now(UTC))
        key = keys.review(event.event_id)
        return await self._store.once(event.once_id, key, CodeReviewState, lambda _: state)


def reviewer(
    agent: Annotated[Agent, Depends(resource(Agent))],
    store: Annotated[StateStore, Depends(resource(StateStore))],
    publisher: Annotated[Publisher, Depends(resource(Publisher))],
) -> Reviewer:
    """Build it from what is open."""
    return Reviewer(agent=agent, store=store, publisher=publisher)


ReviewerDep = Annotated[Reviewer, Depends(reviewer)]
