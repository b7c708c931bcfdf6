"""Errors as they are kept: how often one came, and which hints were shown."""

from datetime import datetime

from pydantic import BaseModel, Field


class ErrorPatternState(BaseModel):
    """One error of one student, at `error:{error_hash}` (seed 000)."""

    error_hash: str
    user_id: str
    occurrences: int = 0
    first_seen: datetime
    last_seen: datetime
    resolved: bool = False
    hints_shown: list[str] = Field(default_factory=list)
    """Oldest first."""
    ladder: list[str] = Field(min_length=1)
    """All there is to say, from a nudge to the solution; the solution is the last."""
    related_concepts: list[str] = Field(default_factory=list)
