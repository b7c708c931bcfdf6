"""Explaining: what to ask the model about a concept, and what the curriculum knows better."""

import re
from dataclasses import dataclass
from hashlib import sha256

from app.contracts.concepts import ConceptExplanation, ConceptRequestEvent, ConceptResponseEvent
from app.contracts.learnflow import Level, level_of
from app.contracts.requests import AgentRequest
from app.domain.curriculum import find, named, prerequisites, related
from app.domain.quoting import quoted

MAX_WORDS = 1_000
"""Longest question passed on, in characters."""

PLAIN_WORD = re.compile(
    r"an?|about|and|are|can|could|do|does|explain|for|get|give|how|i|in|is|it|learn|let|like|me"
    r"|mean|of|on|please|python|s|tell|the|them|there|they|this|to|understand|use|used|using|want"
    r"|what|when|why|with|work|works|write|you"
)
"""Words that ask for an explanation and nothing in particular."""


@dataclass(frozen=True)
class Subject:
    """What is to be explained, and to whom."""

    concept: str
    percent: float
    """The student's mastery of it, 0–100."""
    question: str | None = None
    """The student's own words, where they ask for something in particular."""

    @property
    def level(self) -> Level:
        """Level to explain at."""
        return level_of(self.percent)

    @property
    def cache_name(self) -> str:
        """What tells it from other subjects of the same level."""
        text = " ".join(f"{self.concept} {self.question or ''}".casefold().split())
        known = named(self.concept) and not self.question
        return text if known else sha256(text.encode()).hexdigest()


def subject(concept: str, query: str | None, percent: float) -> Subject:
    """Return what a request is about; a question that any explanation answers is dropped.

    So "What is a list?" and "Explain lists, please" share one cached explanation.
    """
    known = named(concept) or find(concept)
    query = query or (concept if known and known.name != concept else None)
    plain = not query or (known is not None and _is_plain(query, known.pattern))
    return Subject(known.name if known else concept, percent, None if plain else query)


def _is_plain(query: str, pattern: re.Pattern[str]) -> bool:
    words = re.findall(r"\w+", pattern.sub(" ", query).casefold())
    return all(PLAIN_WORD.fullmatch(word) for word in words)


def of_event(event: ConceptRequestEvent) -> Subject:
    """Return what an event asks for."""
    return subject(event.concept, event.query, event.mastery_level)


def concept_of(request: AgentRequest) -> str:
    """Return the concept that a request over HTTP is about."""
    said = request.context.topic if request.context else None
    found = find(request.query)
    return said or (found.name if found else request.query)


def question(subject: Subject) -> str:
    """Ask for the explanation; the student's words travel as data."""
    known = named(subject.concept)
    parts = [
        f"Explain {known.name if known else 'the concept below'} in Python to a student.",
        f"The student's level is {subject.level} ({subject.percent:.0f} % mastery).",
        "Give short examples that run as they stand, and name prerequisites and related concepts.",
    ]
    if not known:
        parts.append(quoted("Concept", subject.concept, MAX_WORDS))
    if subject.question:
        parts.append(quoted("What the student wants to know", subject.question, MAX_WORDS))
    return "\n\n".join(parts)


def checked(explanation: ConceptExplanation, subject: Subject) -> ConceptExplanation:
    """Return the explanation with what is known put right: concept, level, the curriculum."""
    update: dict[str, object] = {"concept": subject.concept, "level": subject.level}
    if concept := named(subject.concept):
        update |= {"prerequisites": prerequisites(concept), "related_concepts": related(concept)}
    return explanation.model_copy(update=update)


def response(
    explanation: ConceptExplanation, *, event_id: str, request_id: str, user_id: str
) -> ConceptResponseEvent:
    """Return the event that carries an explanation to the student."""
    return ConceptResponseEvent(
        event_id=event_id,
        request_id=request_id,
        user_id=user_id,
        concept=explanation.concept,
        explanation=explanation.explanation,
        examples=explanation.examples,
    )


def text(explanation: ConceptExplanation) -> str:
    """Return the explanation as one text, with its examples."""
    examples = (f"```python\n{example}\n```" for example in explanation.examples)
    return "\n\n".join([explanation.explanation, *examples])
