"""Concepts: explanations by the model, kept for a day."""

import time
from dataclasses import replace
from typing import Annotated
from uuid import uuid4

import structlog
from fastapi import Depends

from app.agents.cache import AnswerCache
from app.agents.client import Agent
from app.agents.reply import Reply
from app.agents.settings import AgentSettings
from app.contracts import keys
from app.contracts.concepts import ConceptExplanation, ConceptRequestEvent
from app.contracts.requests import AgentRequest, AgentResponse
from app.core.declaration.agent import AgentConfig
from app.core.errors import ServiceError
from app.core.resources import resource
from app.domain import explaining
from app.domain.explaining import Subject
from app.services.publisher import Publisher
from app.services.shared import SharedState

log = structlog.get_logger("app.concepts")

Explained = Reply[ConceptExplanation]


class Explainer:
    """Explains concepts, and tells the answer to whom it concerns."""

    def __init__(
        self,
        *,
        agent: Agent,
        model: str,
        cache: AnswerCache,
        shared: SharedState,
        publisher: Publisher,
    ) -> None:
        self._agent = agent
        self._model = model
        self._cache = cache
        self._shared = shared
        self._publisher = publisher

    async def explain(self, subject: Subject, user_id: str) -> Explained:
        """Return the explanation of the cache, else the model's, which is kept for a day.

        The cache knows it by concept, level, model and prompts. Who asks while the model is
        asked gets the same answer; the first one pays.
        """
        question = explaining.question(subject)
        sample = explaining.question(replace(subject, percent=0))  # the level is in the key
        version = self._agent.version(sample, ConceptExplanation)
        key = keys.concept(subject.cache_name, subject.level, self._model, version)

        async def ask() -> Explained:
            reply = await self._agent.ask(question, ConceptExplanation, user=user_id)
            return replace(reply, content=explaining.checked(reply.content, subject))

        return await self._cache.answer(key, ConceptExplanation, ask)

    async def respond(self, event: ConceptRequestEvent) -> None:
        """Answer a request on `learning.concept-response`."""
        explained = await self.explain(explaining.of_event(event), event.user_id)
        await self._tell(explained, event.derived_id(), event.event_id, event.user_id)

    async def answer(self, request: AgentRequest) -> AgentResponse:
        """Answer a request at once; progress hears of it as well."""
        started = time.perf_counter()
        concept = explaining.concept_of(request)
        percent = request.context.mastery_level if request.context else None
        if percent is None:
            percent = await self._percent(request.student_id, concept)
        subject = explaining.subject(concept, request.query, percent)
        explained = await self.explain(subject, request.student_id)
        response_id = str(uuid4())
        await self._tell(explained, response_id, response_id, request.student_id)
        details = explained.content.model_dump(exclude={"explanation"})
        return AgentResponse(
            response_id=response_id,
            agent_type="concepts",
            student_id=request.student_id,
            content=explaining.text(explained.content),
            metadata={**details, "cached": explained.cached},
            token_efficiency=explained.token_efficiency,
            processing_time_ms=(time.perf_counter() - started) * 1000,
        )

    async def _percent(self, student_id: str, concept: str) -> float:
        """Return the student's mastery; a store that is down is passed over, as for a beginner."""
        try:
            return await self._shared.percent(student_id, concept)
        except ServiceError as error:
            log.warning("concepts.mastery_unknown", reason=error.detail)
            return 0.0

    async def _tell(
        self, explained: Explained, event_id: str, request_id: str, user_id: str
    ) -> None:
        event = explaining.response(
            explained.content, event_id=event_id, request_id=request_id, user_id=user_id
        )
        await self._publisher.publish("learning.concept-response", event)


def explainer(
    agent: Annotated[Agent, Depends(resource(Agent))],
    config: Annotated[AgentConfig, Depends(resource(AgentConfig))],
    settings: Annotated[AgentSettings, Depends(resource(AgentSettings))],
    cache: Annotated[AnswerCache, Depends(resource(AnswerCache))],
    shared: Annotated[SharedState, Depends(resource(SharedState))],
    publisher: Annotated[Publisher, Depends(resource(Publisher))],
) -> Explainer:
    """Build it from what is open."""
    model = settings.openai_model or config.model
    return Explainer(agent=agent, model=model, cache=cache, shared=shared, publisher=publisher)


ExplainerDep = Annotated[Explainer, Depends(explainer)]
