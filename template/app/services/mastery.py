"""Writing mastery: present in the progress service alone, which owns it."""

from app.contracts import keys
from app.contracts.progress import MasteryScores, MasteryState
from app.core.key import Key
from app.services.state import StateStore


class MasteryWriter:
    """The one writer of the shared store. Repeating a write, or being late, does no harm."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    async def write(self, scores: MasteryScores) -> None:
        """Keep the newest mastery and the snapshot of its day."""
        day = scores.last_updated.date()
        await self._keep(keys.mastery(scores.student_id), scores)
        await self._keep(keys.mastery_on(scores.student_id, day), scores)

    async def write_topic(self, state: MasteryState) -> None:
        """Keep the mastery of one topic."""

        def newer(kept: MasteryState | None) -> MasteryState:
            return kept if kept and kept.last_updated > state.last_updated else state

        key = keys.topic_mastery(state.user_id, state.topic)
        await self._store.update(key, MasteryState, newer)

    async def _keep(self, key: Key, scores: MasteryScores) -> None:
        def newer(kept: MasteryScores | None) -> MasteryScores:
            return kept if kept and kept.revision > scores.revision else scores

        await self._store.update(key, MasteryScores, newer)
