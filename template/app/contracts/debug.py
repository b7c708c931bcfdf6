"""Debugging: `code.error-request`, `code.error-hint`, and the analysis of the code."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.contracts.answer import AnswerEvent
from app.contracts.event import Event
from app.contracts.learner import UserId

HintSeverity = Literal["info", "warning", "error"]


class ErrorRequestEvent(Event):
    """Request for help with an error."""

    user_id: UserId
    error_message: str
    code_snippet: str | None = None
    traceback: str | None = None


class ErrorHintEvent(AnswerEvent):
    """A hint, one level deeper at each further ask about the same error."""

    hint: str
    severity: HintSeverity = "info"
    related_concepts: list[str] = Field(default_factory=list)


class CodeError(BaseModel):
    """One error found in a code."""

    model_config = ConfigDict(extra="allow")

    type: str = ""
    """The exception's class, for example `NameError`."""
    message: str = ""
    line: int | None = None


class DebugAnalysis(BaseModel):
    """The analysis of a code (seed 001)."""

    valid: bool
    errors: list[CodeError]
    complexity_score: float
    lines_of_code: int
    suggested_fixes: list[str]
    hints: list[str] = Field(default_factory=list)
    """From a nudge to the solution: one is shown at a time."""
    related_concepts: list[str] = Field(default_factory=list)
