"""Requests for help with an error."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends

from app.agents.client import Agent
from app.contracts import keys
from app.contracts.debug import DebugAnalysis, ErrorRequestEvent
from app.core.resources import resource
from app.domain import hints
from app.domain.tracebacks import read_error
from app.models.pattern import ErrorPatternState
from app.services.publisher import Publisher
from app.services.pubsub import on
from app.services.state import StateStore

Tutor = Annotated[Agent, Depends(resource(Agent))]
Store = Annotated[StateStore, Depends(resource(StateStore))]
Publish = Annotated[Publisher, Depends(resource(Publisher))]


@on("code.error-request")
async def asked(event: ErrorRequestEvent, tutor: Tutor, store: Store, publisher: Publish) -> None:
    """Give the next hint: the model is asked once for each error, not for each hint."""
    text = event.traceback or event.error_message
    error, now = read_error(text), datetime.now(UTC)
    key = keys.error(error.hash(event.user_id))
    known = await store.get(key, ErrorPatternState)
    if known is None:
        question = hints.question(error, text, event.code_snippet or "")
        analysis = (await tutor.ask(question, DebugAnalysis)).content
        known = hints.seen(event.user_id, error, analysis, now)
    pattern = await store.once(
        event.once_id, key, ErrorPatternState, lambda kept: hints.asked_again(kept or known, now)
    )
    await publisher.publish("code.error-hint", hints.hint_event(event, pattern))
