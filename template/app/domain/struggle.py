"""Struggle: when a student needs a person. The rules are data (spec section 6 of LearnFlow)."""

import operator
import re
from collections.abc import Callable
from dataclasses import dataclass

from app.contracts.struggle import Severity, StruggleType

ORDER: tuple[Severity, ...] = ("low", "medium", "high")


@dataclass(frozen=True)
class Rule:
    """An alert where `compare(value, limit)` holds for one of the limits, the worst first."""

    struggle_type: StruggleType
    compare: Callable[[float, float], bool]
    limits: tuple[tuple[float, Severity], ...]
    action: str
    """What is recommended to the teacher."""

    def severity(self, value: float) -> Severity | None:
        """Return how bad `value` is; None where all is well."""
        for limit, severity in self.limits:
            if self.compare(value, limit):
                return severity
        return None


RULES: dict[StruggleType, Rule] = {
    rule.struggle_type: rule
    for rule in (
        Rule(
            "repeated_error",
            operator.ge,
            ((5, "high"), (3, "medium")),
            "Go through this error with the student, line by line.",
        ),
        Rule(
            "time_exceeded",
            operator.gt,
            ((30, "high"), (20, "medium"), (10, "low")),
            "Offer a hint, or an easier exercise on the same topic.",
        ),
        Rule(
            "concept_gap",
            operator.lt,
            ((0.25, "high"), (0.50, "medium")),
            "Explain the topic again before the next exercise.",
        ),
        Rule(
            "failed_in_a_row",
            operator.ge,
            ((8, "high"), (5, "medium")),
            "Look at the last attempts together.",
        ),
        Rule(
            "asked_for_help",
            operator.ge,
            ((3, "high"), (1, "medium")),
            "Ask the student what is unclear.",
        ),
    )
}
"""Minutes for time, 0–1 for a quiz, a count for the others."""

AWAY_MINUTES = 180
"""Who takes longer was not at the desk: no alert about time."""

HELP = re.compile(
    r"\bi(?:['’]?m| am)(?: \w+)? stuck\b"
    r"|\bi (?:\w+ )?(?:don['’]?t|do not) (?:\w+ )?understand\b"
)

ERROR_TYPE = re.compile(r"\b([A-Z]\w*(?:Error|Exception|Interrupt|Iteration))\b")


def worse(rule: Rule, before: float, after: float) -> Severity | None:
    """Return the severity of `after` where a count has just reached it; else None."""
    now = rule.severity(after)
    return now if now != rule.severity(before) else None


def asks_for_help(words: str) -> bool:
    """Whether a student says to be stuck or not to understand."""
    return HELP.search(words.lower()) is not None


def error_type(text: str) -> str | None:
    """Return the type of the error in a message or traceback: the last one named."""
    return (ERROR_TYPE.findall(text) or [None])[-1]
