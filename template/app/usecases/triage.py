"""Triage: a question comes in, the specialist who can answer it gets it."""

from typing import Annotated

from fastapi import Depends

from app.contracts import keys
from app.contracts.learning import LearningQueryEvent
from app.core.resources import resource
from app.domain.handing import request_event, routed
from app.domain.question import Question, read
from app.domain.routing import Decision, decide
from app.domain.sessions import asked, session_id
from app.models.session import SessionState
from app.services.publisher import Publisher
from app.services.shared import SharedState
from app.services.state import StateStore


class Triage:
    """Decides who answers, keeps the session, and tells both."""

    def __init__(self, *, store: StateStore, shared: SharedState, publisher: Publisher) -> None:
        self._store = store
        self._shared = shared
        self._publisher = publisher

    async def submit(self, query: LearningQueryEvent) -> None:
        """Put a question on its way."""
        await self._publisher.publish("learning.query", query)

    async def decide(self, query: LearningQueryEvent) -> tuple[Question, Decision, float]:
        """Return the question taken apart, who answers it, and the mastery of its topic, 0–100.

        The session counts the query once, and `learning.routed` tells of the decision.
        """
        question = read(query.query, query.context)
        session = await self._store.once(
            query.once_id,
            keys.session(session_id(query)),
            SessionState,
            lambda session: asked(session, query, question.topic),
        )
        decision = decide(question, session.current_topic)
        percent = await self._shared.percent(query.user_id, decision.topic)
        await self._publisher.publish("learning.routed", routed(query, decision))
        return question, decision, percent

    async def route(self, query: LearningQueryEvent) -> None:
        """Decide, and hand the question to the specialist's topic."""
        question, decision, percent = await self.decide(query)
        if request := request_event(query, question, decision, percent):
            await self._publisher.publish(*request)


def triage(
    store: Annotated[StateStore, Depends(resource(StateStore))],
    shared: Annotated[SharedState, Depends(resource(SharedState))],
    publisher: Annotated[Publisher, Depends(resource(Publisher))],
) -> Triage:
    """Build it from what is open."""
    return Triage(store=store, shared=shared, publisher=publisher)


TriageDep = Annotated[Triage, Depends(triage)]
