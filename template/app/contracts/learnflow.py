"""What LearnFlow's contracts share."""

from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field

from app.contracts.event import Event

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


class QueryContext(BaseModel):
    """What a client may send along with a question; further fields are kept."""

    model_config = ConfigDict(extra="allow")

    session_id: str | None = Field(default=None, min_length=1, max_length=128)
    topic: str | None = None
    """What the student is working on, if the client knows: routing prefers it to a guess."""
    code: str | None = Field(default=None, max_length=MAX_CODE)
    traceback: str | None = Field(default=None, max_length=MAX_CODE)
    difficulty: Difficulty | None = None
    mastery_level: Percent | None = None


class AnswerEvent(Event):
    """An event that answers another one."""

    request_id: str = Field(min_length=1)
    """`event_id` of the event that it answers."""
    user_id: Annotated[
        str | None,
        Field(max_length=128, validation_alias=AliasChoices("user_id", "student_id")),
    ] = None
    """Who asked, where the answerer knows: so that progress can count it."""
