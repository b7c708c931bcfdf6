"""Alerts, kept for the teachers."""

from pydantic import BaseModel, Field

from app.contracts.struggle import StruggleAlertEvent

KEPT = 200
"""How many of the newest alerts are kept."""


class Alerts(BaseModel):
    """The newest alerts about all students, newest first."""

    alerts: list[StruggleAlertEvent] = Field(default_factory=list[StruggleAlertEvent])

    def added(self, alert: StruggleAlertEvent) -> "Alerts":
        """Return them with one more; the oldest beyond 200 go."""
        return Alerts(alerts=[alert, *self.alerts][:KEPT])
