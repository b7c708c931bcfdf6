"""Requests for explanations."""

from app.contracts.concepts import ConceptRequestEvent
from app.services.pubsub import on
from app.usecases.concepts import ExplainerDep


@on("learning.concept-request")
async def requested(event: ConceptRequestEvent, explainer: ExplainerDep) -> None:
    """Explain the concept at the student's level; one that was explained lately is not paid twice.

    A request that comes again is answered again, with the same event id.
    """
    await explainer.respond(event)
