"""Routing: which specialist answers a question. The rules are data; `decide` only weighs them."""

import re
from collections import Counter
from dataclasses import dataclass
from typing import Literal

from app.contracts.learnflow import Specialist
from app.domain.question import Question

Given = Literal["code", "traceback"]


@dataclass(frozen=True)
class Rule:
    """`specialist` gains `weight` where `pattern` is in the words and `needs` came with them."""

    specialist: Specialist
    weight: int
    pattern: re.Pattern[str]
    needs: Given | None = None


def _rule(specialist: Specialist, weight: int, pattern: str, needs: Given | None = None) -> Rule:
    return Rule(specialist, weight, re.compile(pattern.replace("'", "['’]"), re.IGNORECASE), needs)


RULES: tuple[Rule, ...] = (
    # How am I doing?
    _rule("progress", 9, r"\bmy (?:progress|streak|mastery|scores?|statistics|stats|level)\b"),
    _rule("progress", 9, r"\bhow (?:am i doing|far (?:am|have) i|(?:well|good) am i)\b"),
    _rule("progress", 6, r"\bwhat have i (?:learn(?:ed|t)|done|finished|completed)\b"),
    # Give me something to do.
    _rule("exercise", 6, r"\b(?:exercises?|quiz(?:zes)?|(?:coding|practi[cs]e) \w+)\b"),
    _rule("exercise", 4, r"\b(?:challenges?|practi[cs]e|practi[cs]ing|drills?|test me)\b"),
    _rule("exercise", 2, r"\b(?:give|make|create|generate|set) me\b"),
    # It does not work.
    _rule("debug", 8, r"", "traceback"),
    _rule("debug", 3, r"\b\w+(?:Error|Exception)\b"),
    _rule(
        "debug",
        4,
        r"\b(?:i|it|this|code|program|script) (?:keeps? )?(?:get|got|throw|raise|give|show)\w*\b"
        r"[^.?!]*(?:error|exception|traceback)\b",
    ),
    _rule("debug", 5, r"\b(?:doesn'?t|does not|isn'?t|is not|not|stopped) work(?:ing)?\b"),
    _rule("debug", 5, r"\b(?:crash(?:es|ed|ing)?|(?:debug|fix) (?:my|this|the|it))\b"),
    _rule("debug", 4, r"\b(?:what(?:'s| is) wrong|why (?:does|is|do)(?:n't)? (?:my|this|it))\b"),
    _rule("debug", 3, r"\b(?:fail(?:s|ed|ing)|wrong (?:output|result|answer)|broken|an error)\b"),
    _rule("debug", 1, r"\b(?:errors?|bugs?|problem)\b", "code"),
    # Is it good?
    _rule("review", 7, r"\b(?:review|feedback|critique|rate|assess|evaluate)\b", "code"),
    _rule("review", 6, r"\b(?:improve|refactor|clean(?:er)?|pythonic|pep ?8|readab\w+)\b", "code"),
    _rule("review", 6, r"\b(?:optimi[sz]e|efficient|efficiency|faster|style|better)\b", "code"),
    _rule("review", 5, r"\bis (?:this|my|the) (?:code|function|solution|class)\b", "code"),
    _rule("review", 2, r"", "code"),
    # What is it?
    _rule("concepts", 4, r"^\W*(?:what(?:'s| is| are| does| do)|explain|describe|define)\b"),
    _rule("concepts", 4, r"\b(?:difference between|explain|meaning of|what does .* mean)\b"),
    _rule("concepts", 3, r"\b(?:how (?:do|does|can|to|should)|when (?:do|should|to)|tell me)\b"),
    _rule("concepts", 3, r"\b(?:learn|teach me|understand|concepts?|introduction|tutorial)\b"),
)
"""Weights add up: the heaviest specialist answers, and concepts where no rule holds.

A review needs code; without any, the question is one about a concept.
"""

PRECEDENCE: tuple[Specialist, ...] = ("concepts", "debug", "review", "exercise", "progress")
"""Who answers where two are as heavy."""


@dataclass(frozen=True)
class Decision:
    """Who answers, and about which concept, where one is found."""

    specialist: Specialist
    topic: str | None


def decide(question: Question, current_topic: str | None = None) -> Decision:
    """Weigh the rules; the session's `current_topic` counts where the question names none."""
    given: set[Given | None] = {None}
    given |= {"code"} if question.code else set()
    given |= {"traceback"} if question.traceback else set()
    weights: Counter[Specialist] = Counter()
    for rule in RULES:
        if rule.needs in given and rule.pattern.search(question.words):
            weights[rule.specialist] += rule.weight
    heaviest = max(PRECEDENCE, key=lambda specialist: weights[specialist])
    return Decision(heaviest, question.topic or current_topic)
