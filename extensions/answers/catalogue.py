"""LearnFlow's topics, the model of each, and the module it lives in."""

from collections.abc import Mapping

TOPICS: Mapping[str, str] = {
    "learning.query": "LearningQueryEvent",
    "learning.routed": "LearningQueryEvent",
    "learning.concept-request": "ConceptRequestEvent",
    "learning.concept-response": "ConceptResponseEvent",
    "learning.events": "StudentProgress",
    "code.review-request": "CodeReviewRequestEvent",
    "code.review-feedback": "CodeFeedbackEvent",
    "code.error-request": "ErrorRequestEvent",
    "code.error-hint": "ErrorHintEvent",
    "exercise.request": "ExerciseRequestEvent",
    "exercise.response": "ExerciseResponseEvent",
    "exercise.submission": "ExerciseSubmissionEvent",
    "exercise.graded": "ExerciseGradedEvent",
    "struggle.alert": "StruggleAlertEvent",
}

MODULES: Mapping[str, str] = {
    "LearningQueryEvent": "learning",
    "ConceptRequestEvent": "concepts",
    "ConceptResponseEvent": "concepts",
    "CodeReviewRequestEvent": "review",
    "CodeFeedbackEvent": "review",
    "ErrorRequestEvent": "debug",
    "ErrorHintEvent": "debug",
    "ExerciseRequestEvent": "exercise",
    "ExerciseResponseEvent": "exercise",
    "ExerciseSubmissionEvent": "exercise",
    "ExerciseGradedEvent": "exercise",
    "StruggleAlertEvent": "struggle",
    "StudentProgress": "progress",
}
"""Modules of `app/contracts/`."""

LEARNFLOW = ("triage", "concepts", "code-review", "debug", "exercise", "progress")
"""The types whose topics are those of the catalogue."""

DEAD_LETTERS = "dead-letter.queue"

SHARED_STORE = "shared-store"
"""The state component whose keys all of LearnFlow's services read."""
