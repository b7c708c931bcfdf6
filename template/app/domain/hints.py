"""Hints before solutions: one level deeper at each further ask about the same error.

The model writes the hints; what is shown, and when, is decided here and not by it.
"""

from datetime import datetime

from pydantic import JsonValue

from app.contracts.debug import DebugAnalysis, ErrorHintEvent, ErrorRequestEvent, HintSeverity
from app.contracts.requests import DebugRequest
from app.domain.quoting import quoted
from app.domain.spoilers import gives_away
from app.domain.tracebacks import PythonError, read_error
from app.models.pattern import ErrorPatternState

MAX_HINTS = 3
"""How many hints come before the solution."""

NUDGES = {
    "AttributeError": "What type has the value left of the dot, and does that type know the name?",
    "FileNotFoundError": "From which folder does the program look for the file?",
    "ImportError": "Is the module's name spelled right, and is it installed?",
    "IndentationError": "Compare the spaces at the start of this line with those of its block.",
    "IndexError": "How many elements are there, and which index is the last one?",
    "KeyError": "Print the keys just before this line: is the one you ask for among them?",
    "ModuleNotFoundError": "Is the module's name spelled right, and is it installed?",
    "NameError": "Where does this name get its value, and is that before this line?",
    "RecursionError": "Which call ends the recursion, and is it ever reached?",
    "SyntaxError": "Look at this line and at the end of the one above: what is not closed?",
    "TypeError": "Print the type of each value in this line: which one surprises you?",
    "UnboundLocalError": "Is the name given a value inside the function on every path?",
    "ValueError": "The type is right, the value is not: print it just before this line.",
    "ZeroDivisionError": "Which value is zero here, and where does it come from?",
}
"""A first hint where the model gives none, by the type of the error."""
NUDGE = "Read the last line of the error: what does it say, and about which line?"
NO_SOLUTION = "There is nothing more to hint at: show the code to your teacher."


def request_event(request: DebugRequest) -> ErrorRequestEvent:
    """Return the event that asks what a request over HTTP asks."""
    return ErrorRequestEvent(
        user_id=request.student_id,
        error_message=request.query,
        code_snippet=request.code,
        traceback=request.context.traceback if request.context else None,
    )


def question(event: ErrorRequestEvent, error: PythonError) -> str:
    """Ask for an analysis of a student's error."""
    where = f" in line {error.line}" if error.line else ""
    parts = [
        f"A student asks about this {error.type or 'problem'}{where}. Analyse it.",
        f"Give up to {MAX_HINTS} hints, from a first nudge to nearly the answer; no hint holds the"
        " corrected code. The corrected code stands in suggested_fixes alone.",
        quoted("What the student says", event.error_message),
    ]
    if event.traceback:
        parts.append(quoted("Traceback", event.traceback))
    if event.code_snippet:
        parts.append(quoted("Code", event.code_snippet))
    return "\n\n".join(parts)


def ladder(error: PythonError, analysis: DebugAnalysis, code: str = "") -> list[str]:
    """Return what is shown ask by ask: hints, at least one, then the solution.

    A hint of the model that gives the solution away is left out; where there is no solution to
    compare with, all of them are.
    """
    fixes = [fix for fix in analysis.suggested_fixes if fix.strip()]
    given = [hint for hint in analysis.hints if hint.strip()] if fixes else []
    own = known(error, code)
    hints = [hint for hint in given if not gives_away(hint, fixes, own)][:MAX_HINTS]
    return [*(hints or [NUDGES.get(error.type, NUDGE)]), "\n".join(fixes) or NO_SOLUTION]


def known(error: PythonError, code: str) -> str:
    """Return what the student has in front of them: their code, and the error."""
    return "\n".join([code, error.source, f"{error.type}: {error.message}"])


def seen(
    user_id: str, error: PythonError, analysis: DebugAnalysis, now: datetime, code: str = ""
) -> ErrorPatternState:
    """Return a new error of a student, before the first hint is shown."""
    return ErrorPatternState(
        error_hash=error.hash(user_id),
        user_id=user_id,
        first_seen=now,
        last_seen=now,
        ladder=ladder(error, analysis, code),
        related_concepts=[
            concept
            for concept in analysis.related_concepts
            if not gives_away(concept, analysis.suggested_fixes, known(error, code))
        ],
    )


def asked(pattern: ErrorPatternState, now: datetime) -> ErrorPatternState:
    """Return the pattern with one more hint shown; at the end it stays at the solution."""
    level = min(pattern.occurrences, len(pattern.ladder) - 1)
    return pattern.model_copy(
        update={
            "occurrences": pattern.occurrences + 1,
            "last_seen": now,
            "hints_shown": [*pattern.hints_shown, pattern.ladder[level]][-len(pattern.ladder) :],
        }
    )


def is_solution(pattern: ErrorPatternState) -> bool:
    """Tell whether the newest hint is the solution."""
    return pattern.occurrences >= len(pattern.ladder)


def severity(pattern: ErrorPatternState) -> HintSeverity:
    """Return how much help was needed: the solution is a warning to whoever watches."""
    return "warning" if is_solution(pattern) else "info"


def about(event: ErrorRequestEvent, pattern: ErrorPatternState) -> dict[str, JsonValue]:
    """Return what a program may want to know of the newest hint."""
    error = read_error(event.traceback or event.error_message)
    return {
        "error_type": error.type or None,
        "error_line": error.line,
        "hint_level": min(pattern.occurrences, len(pattern.ladder)),
        "is_solution": is_solution(pattern),
        "occurrences": pattern.occurrences,
        "related_concepts": list[JsonValue](pattern.related_concepts),
    }


def hint_event(event: ErrorRequestEvent, pattern: ErrorPatternState) -> ErrorHintEvent:
    """Return what the student is told."""
    return ErrorHintEvent(
        event_id=event.derived_id(),
        request_id=event.event_id,
        user_id=event.user_id,
        hint=pattern.hints_shown[-1],
        severity=severity(pattern),
        related_concepts=pattern.related_concepts,
    )
