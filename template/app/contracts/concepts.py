"""Concepts: `learning.concept-request`, `learning.concept-response`, and the explanation itself."""

from pydantic import BaseModel, Field

from app.contracts.answer import AnswerEvent
from app.contracts.event import Event
from app.contracts.learner import UserId
from app.contracts.learnflow import Level, Percent


class ConceptRequestEvent(Event):
    """Request for the explanation of a Python concept."""

    user_id: UserId
    concept: str = Field(min_length=1)
    mastery_level: Percent = 0.0
    query: str | None = None
    """The student's own words, where they asked more than the concept's name."""


class ConceptExplanation(BaseModel):
    """A packaged explanation (seed 001)."""

    concept: str
    level: Level
    explanation: str
    examples: list[str]
    prerequisites: list[str]
    related_concepts: list[str]


class ConceptResponseEvent(AnswerEvent):
    """The explanation of a concept."""

    concept: str
    explanation: str
    examples: list[str]
