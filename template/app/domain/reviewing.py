"""Code review: the question to the model, the record, and what the student is told."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import sha256

from app.contracts.requests import ReviewRequest
from app.contracts.review import CodeFeedbackEvent, CodeReview, CodeReviewRequestEvent
from app.domain.quoting import quoted
from app.models.review import CodeReviewState


def question(code: str, language: str, criteria: Sequence[str], wish: str = "") -> str:
    """Ask for a review of a student's code."""
    parts = [
        f"Review this {language} code by {', '.join(criteria) or 'correctness'}.",
        "Score it and each criterion from 0 to 100. Name issues with their line.",
        "Hint at what to better; do not write the code anew.",
        quoted("Code", code),
    ]
    if wish:
        parts.append(quoted("What the student wants to know", wish))
    return "\n\n".join(parts)


def request_event(request: ReviewRequest) -> CodeReviewRequestEvent:
    """Return the event that asks what a request over HTTP asks."""
    return CodeReviewRequestEvent(
        user_id=request.student_id, code=request.code, focus_areas=request.criteria
    )


def record(event: CodeReviewRequestEvent, review: CodeReview, now: datetime) -> CodeReviewState:
    """Return the review of a request as it is kept: of the code its hash only."""
    return CodeReviewState(
        review_id=event.event_id,
        user_id=event.user_id,
        code_hash=sha256(event.code.encode()).hexdigest(),
        reviews=[review],
        common_patterns=sorted({issue.criterion for issue in review.issues_found} - {""}),
        last_reviewed=now,
    )


def feedback(event: CodeReviewRequestEvent, state: CodeReviewState) -> CodeFeedbackEvent:
    """Return what the student is told of the newest review."""
    review = state.reviews[-1]
    return CodeFeedbackEvent(
        event_id=event.derived_id(),
        request_id=event.event_id,
        user_id=event.user_id,
        overall_score=review.overall_score,
        issues=review.issues_found,
        suggestions=[*review.hints, *review.best_practices],
    )


def summary(review: CodeReview) -> str:
    """Say in a few lines what the review found."""
    lines = [f"Your code scores {review.overall_score:g} of 100."]
    for issue in review.issues_found:
        where = f"Line {issue.line}: " if issue.line else ""
        lines.append(f"- {where}{issue.message or issue.criterion}")
    lines += [f"- {hint}" for hint in review.hints]
    return "\n".join(lines)
