"""Counts of events."""

from datetime import date

from pydantic import BaseModel


class Count(BaseModel):
    """A part of the count of one type of event on one day."""

    total: int = 0


class DayCounts(BaseModel):
    """How many events came on a day (UTC), by type."""

    day: date
    counts: dict[str, int]
    total: int
