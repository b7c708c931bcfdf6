"""What LearnFlow's contracts share."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Specialist = Literal["concepts", "review", "debug", "exercise", "progress"]
"""Who can answer a student's question."""

Difficulty = Literal["easy", "medium", "hard"]

Level = Literal["Beginner", "Learning", "Proficient", "Mastered"]

LEVELS: tuple[tuple[float, Level], ...] = (
    (40, "Beginner"),
    (70, "Learning"),
    (90, "Proficient"),
    (100, "Mastered"),
)
"""Highest whole percentage of mastery of each level (spec section 6)."""

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]

MAX_CODE = 20_000
"""Longest code accepted over HTTP, in characters."""


def level_of(percent: float) -> Level:
    """Return the level of a mastery of `percent`, 0–100; 40.4 is Beginner, 40.5 Learning."""
    for top, level in LEVELS:
        if percent < top + 0.5:
            return level
    return LEVELS[-1][1]


def utc(time: datetime) -> datetime:
    """Return a time in UTC; one without a zone is taken to be in UTC already."""
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)


class QueryContext(BaseModel):
    """What a client may send along with a question; further fields are kept."""

    model_config = ConfigDict(extra="allow")

    session_id: str | None = Field(default=None, min_length=1, max_length=128)
    topic: str | None = Field(default=None, min_length=1, max_length=200)
    """What the student is working on, if the client knows: routing prefers it to a guess."""
    code: str | None = Field(default=None, max_length=MAX_CODE)
    traceback: str | None = Field(default=None, max_length=MAX_CODE)
    difficulty: Difficulty | None = None
    mastery_level: Percent | None = None
