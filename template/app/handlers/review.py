"""Requests for a code review."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends

from app.agents.client import Agent
from app.contracts import keys
from app.contracts.review import CodeReview, CodeReviewRequestEvent
from app.core.resources import resource
from app.domain.reviewing import feedback, question, record
from app.models.review import CodeReviewState
from app.services.publisher import Publisher
from app.services.pubsub import on
from app.services.state import StateStore

Tutor = Annotated[Agent, Depends(resource(Agent))]
Store = Annotated[StateStore, Depends(resource(StateStore))]
Publish = Annotated[Publisher, Depends(resource(Publisher))]


@on("code.review-request")
async def requested(
    event: CodeReviewRequestEvent, tutor: Tutor, store: Store, publisher: Publish
) -> None:
    """Review the code, keep the review, tell the student.

    A request that comes again is answered from the store: the model is paid once.
    """
    key = keys.review(event.event_id)
    state = await store.get(key, CodeReviewState)
    if state is None:
        asked = question(event.code, event.language, event.focus_areas)
        review = (await tutor.ask(asked, CodeReview)).content
        state = await store.once(
            event.once_id, key, CodeReviewState, lambda _: record(event, review, datetime.now(UTC))
        )
    await publisher.publish("code.review-feedback", feedback(event, state))
