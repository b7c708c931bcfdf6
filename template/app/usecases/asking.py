"""Asking: a question answered at once, by invoking the specialist."""

from typing import Annotated

from fastapi import Depends

from app.contracts.learning import LearningQueryEvent
from app.contracts.requests import AgentRequest, AgentResponse
from app.core.resources import resource
from app.domain.calling import METHODS, request
from app.services.invoke import Invoker
from app.usecases.triage import Triage, TriageDep


class Asking:
    """Routes a question as triage does, and waits for the answer."""

    def __init__(self, *, triage: Triage, invoker: Invoker) -> None:
        self._triage = triage
        self._invoker = invoker

    async def answer(self, query: LearningQueryEvent, asked: AgentRequest) -> AgentResponse:
        """Return the specialist's answer, or raise the specialist's error."""
        question, decision, percent = await self._triage.decide(query)
        app_id, method = METHODS[decision.specialist]
        return await self._invoker.call(
            app_id,
            method,
            request(asked, question, decision, percent),
            AgentResponse,
            # The others ask a model, which costs, or keep count of what was asked.
            idempotent=decision.specialist == "progress",
        )


def asking(triage: TriageDep, invoker: Annotated[Invoker, Depends(resource(Invoker))]) -> Asking:
    """Build it from what is open."""
    return Asking(triage=triage, invoker=invoker)


AskingDep = Annotated[Asking, Depends(asking)]
