"""Concepts: explanations by the model, kept for a day."""

import time
from dataclasses import dataclass
from typing import Annotated
from uuid import uuid4

from fastapi import Depends

from app.agents.client import Agent
from app.agents.settings import AgentSettings
from app.contracts import keys
from app.contracts.concepts import ConceptExplanation, ConceptRequestEvent
from app.contracts.requests import AgentRequest, AgentResponse
from app.core.declaration.agent import AgentConfig
from app.core.resources import resource
from app.domain import explaining
from app.domain.explaining import Subject
from app.services.publisher import Publisher
from app.services.shared import SharedState
from app.services.state import StateStore


@dataclass(frozen=True)
class Explained:
    """An explanation, and what it cost."""

    explanation: ConceptExplanation
    cached: bool
    token_efficiency: float


class Explainer:
    """Explains concepts, and tells the answer to whom it concerns."""

    def __init__(
        self,
        *,
        agent: Agent,
        model: str,
        store: StateStore,
        shared: SharedState,
        publisher: Publisher,
    ) -> None:
        self._agent = agent
        self._model = model
        self._store = store
        self._shared = shared
        self._publisher = publisher

    async def explain(self, subject: Subject) -> Explained:
        """Return the explanation of the cache, else the model's."""
        key = keys.concept(subject.cache_name, subject.level, self._model)
        if kept := await self._store.get(key, ConceptExplanation):
            return Explained(kept, cached=True, token_efficiency=1.0)
        reply = await self._agent.ask(explaining.question(subject), ConceptExplanation)
        explanation = explaining.checked(reply.content, subject)
        await self._store.save(key, explanation)
        return Explained(explanation, cached=False, token_efficiency=reply.token_efficiency)

    async def respond(self, event: ConceptRequestEvent) -> None:
        """Answer a request on `learning.concept-response`."""
        explained = await self.explain(explaining.of_event(event))
        await self._tell(explained, event.derived_id(), event.event_id, event.user_id)

    async def answer(self, request: AgentRequest) -> AgentResponse:
        """Answer a request at once; progress hears of it as well."""
        started = time.perf_counter()
        concept = explaining.concept_of(request)
        percent = request.context.mastery_level if request.context else None
        if percent is None:
            percent = await self._shared.percent(request.student_id, concept)
        explained = await self.explain(explaining.subject(concept, request.query, percent))
        response_id = str(uuid4())
        await self._tell(explained, response_id, response_id, request.student_id)
        details = explained.explanation.model_dump(exclude={"explanation"})
        return AgentResponse(
            response_id=response_id,
            agent_type="concepts",
            student_id=request.student_id,
            content=explaining.text(explained.explanation),
            metadata={**details, "cached": explained.cached},
            token_efficiency=explained.token_efficiency,
            processing_time_ms=(time.perf_counter() - started) * 1000,
        )

    async def _tell(
        self, explained: Explained, event_id: str, request_id: str, user_id: str
    ) -> None:
        event = explaining.response(
            explained.explanation, event_id=event_id, request_id=request_id, user_id=user_id
        )
        await self._publisher.publish("learning.concept-response", event)


def explainer(
    agent: Annotated[Agent, Depends(resource(Agent))],
    config: Annotated[AgentConfig, Depends(resource(AgentConfig))],
    settings: Annotated[AgentSettings, Depends(resource(AgentSettings))],
    store: Annotated[StateStore, Depends(resource(StateStore))],
    shared: Annotated[SharedState, Depends(resource(SharedState))],
    publisher: Annotated[Publisher, Depends(resource(Publisher))],
) -> Explainer:
    """Build it from what is open."""
    model = settings.openai_model or config.model
    return Explainer(agent=agent, model=model, store=store, shared=shared, publisher=publisher)


ExplainerDep = Annotated[Explainer, Depends(explainer)]
