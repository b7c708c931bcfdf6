"""Progress: one entry a student, told on to the shared store and to teachers."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends

from app.contracts import keys
from app.contracts.event import Event
from app.contracts.struggle import StruggleAlertEvent
from app.core.resources import resource
from app.domain.progress import alerts_of
from app.domain.reporting import mastery_scores, mastery_state, report
from app.models.alerts import Alerts
from app.models.progress import ProgressReport, ProgressState
from app.services.mastery import MasteryWriter
from app.services.publisher import Publisher
from app.services.state import StateStore


class Progress:
    """Counts events once, however often they are delivered.

    The entry of the student is the one thing that an event changes. What follows from it, mastery
    in the shared store and alerts, is derived from the entry, and may be told twice without harm.
    """

    def __init__(self, *, store: StateStore, writer: MasteryWriter, publisher: Publisher) -> None:
        self._store = store
        self._writer = writer
        self._publisher = publisher

    async def record(
        self,
        event: Event,
        user_id: str,
        change: Callable[[ProgressState | None], ProgressState],
        *,
        topic: str | None = None,
    ) -> None:
        """Change a student's progress; `topic` is the one whose mastery may have changed."""
        key = keys.progress(user_id)
        state = await self._store.once(event.once_id, key, ProgressState, change)
        if topic and topic in state.topics:
            if state.topics[topic].scores:
                await self._writer.write(mastery_scores(state))
            await self._writer.write_topic(mastery_state(state, topic))
        for alert in alerts_of(state, event):
            await self._raise(alert)

    async def report(self, student_id: str) -> ProgressReport | None:
        """Return a student's progress; None where nothing is known."""
        state = await self._store.get(keys.progress(student_id), ProgressState)
        return report(state, datetime.now(UTC)) if state else None

    async def alerts(self) -> list[StruggleAlertEvent]:
        """Return the newest alerts about all students, newest first."""
        kept = await self._store.get(keys.alerts(), Alerts)
        return kept.alerts if kept else []

    async def _raise(self, alert: StruggleAlertEvent) -> None:
        await self._store.once(
            alert.event_id, keys.alerts(), Alerts, lambda kept: (kept or Alerts()).added(alert)
        )
        await self._publisher.publish("struggle.alert", alert)


def progress(
    store: Annotated[StateStore, Depends(resource(StateStore))],
    writer: Annotated[MasteryWriter, Depends(resource(MasteryWriter))],
    publisher: Annotated[Publisher, Depends(resource(Publisher))],
) -> Progress:
    """Build it from what is open."""
    return Progress(store=store, writer=writer, publisher=publisher)


ProgressDep = Annotated[Progress, Depends(progress)]
