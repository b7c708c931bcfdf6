"""The shared store: what all services read and progress alone writes."""

from datetime import date

from app.contracts import keys
from app.contracts.progress import MasteryScores, MasteryState, percent
from app.core.declaration import DeclarationError
from app.core.declaration.state import StateConfig
from app.services.sidecar import Sidecar
from app.services.state import StateStore


def open_shared(sidecar: Sidecar, config: StateConfig) -> StateStore:
    """Return the store of the shared component; its `keyPrefix` is the same for all services.

    Raises:
        DeclarationError: the declaration names no such component.
    """
    name = config.shared_component_name
    if name is None:
        raise DeclarationError("service.yaml: state.shared_component_name: is missing.")
    return StateStore(sidecar, StateConfig(component_name=name, use_etag=config.use_etag))


class SharedState:
    """Reading what is known of a student; there is no way to write here."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    async def mastery(self, student_id: str) -> MasteryScores | None:
        """Return the newest mastery of all topics."""
        return await self._store.get(keys.mastery(student_id), MasteryScores)

    async def mastery_on(self, student_id: str, day: date) -> MasteryScores | None:
        """Return the mastery as it was at the end of a day (UTC)."""
        return await self._store.get(keys.mastery_on(student_id, day), MasteryScores)

    async def topic_mastery(self, user_id: str, topic: str) -> MasteryState | None:
        """Return the mastery of one topic."""
        return await self._store.get(keys.topic_mastery(user_id, topic), MasteryState)

    async def percent(self, student_id: str, topic: str | None) -> float:
        """Return the mastery of a topic, or of all where none is named; 0–100, 0 if unknown."""
        scores = await self.mastery(student_id)
        if scores is None:
            return 0.0
        return scores.percent_of(topic) if topic else percent(scores.overall_mastery)
