"""Students' questions."""

from app.contracts.learning import LearningQueryEvent
from app.services.pubsub import on
from app.usecases.triage import TriageDep


@on("learning.query")
async def asked(event: LearningQueryEvent, triage: TriageDep) -> None:
    """Hand the question to the specialist who can answer it."""
    await triage.route(event)
