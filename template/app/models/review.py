"""Code reviews as they are kept."""

from datetime import datetime

from pydantic import BaseModel, Field

from app.contracts.review import CodeReview


class CodeReviewState(BaseModel):
    """The review of one request, at `review:{review_id}` (seed 000)."""

    review_id: str
    """`event_id` of the request."""
    user_id: str
    code_hash: str
    reviews: list[CodeReview]
    common_patterns: list[str] = Field(default_factory=list)
    """What the issues are measured by, each once."""
    last_reviewed: datetime
