"""Code review: `code.review-request`, `code.review-feedback`, and the review itself."""

from pydantic import BaseModel, ConfigDict, Field

from app.contracts.answer import AnswerEvent
from app.contracts.event import Event
from app.contracts.learner import UserId
from app.contracts.learnflow import Percent


class Issue(BaseModel):
    """Something to better in a code; all texts, as on the wire."""

    model_config = ConfigDict(extra="allow", coerce_numbers_to_str=True)

    criterion: str = ""
    """What it is measured by: correctness, style, …"""
    message: str = ""
    line: str = ""
    """A line's number or a range of them; empty where it is about the whole."""


class CodeReviewRequestEvent(Event):
    """Request for a code review."""

    user_id: UserId
    code: str
    language: str = "python"
    focus_areas: list[str] = Field(default_factory=lambda: ["correctness", "style"])


class CodeReview(BaseModel):
    """A quality assessment (seed 001); scores are 0–100."""

    overall_score: Percent
    criteria_scores: dict[str, float]
    issues_found: list[Issue]
    hints: list[str]
    best_practices: list[str]


class CodeFeedbackEvent(AnswerEvent):
    """The feedback of a review."""

    overall_score: Percent
    issues: list[Issue]
    suggestions: list[str]
