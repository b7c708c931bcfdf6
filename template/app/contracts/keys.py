"""Keys of LearnFlow's state entries; the entity decides how long it lives (spec section 5)."""

from datetime import date

from app.core.key import Key

HOUR = 3600
DAY = 24 * HOUR
YEAR = 365 * DAY
LOCK_SECONDS = 30
"""A lock outlives its holder by this much at most."""


def session(session_id: str) -> Key:
    """Key of a student's session, 1 hour."""
    return Key.of("session", session_id, ttl=HOUR)


def conversation(session_id: str) -> Key:
    """Key of an agent's conversation, 24 hours."""
    return Key.of("conversation", session_id, ttl=DAY)


def concept(concept: str, level: str, model: str, version: str) -> Key:
    """Key of a cached explanation, 24 hours; `version` names the prompts it comes from."""
    return Key.of("concept", concept, level, model, version, ttl=DAY)


def review(review_id: str) -> Key:
    """Key of a code review, 90 days."""
    return Key.of("review", review_id, ttl=90 * DAY)


def error(error_hash: str) -> Key:
    """Key of an error pattern, 30 days."""
    return Key.of("error", error_hash, ttl=30 * DAY)


def exercise(exercise_id: str) -> Key:
    """Key of an exercise, for good."""
    return Key.of("exercise", exercise_id)


def attempts(user_id: str, exercise_id: str) -> Key:
    """Key of a student's attempts at an exercise, for good."""
    return Key.of("attempts", user_id, exercise_id)


def progress(user_id: str) -> Key:
    """Key of a student's progress, 365 days."""
    return Key.of("progress", user_id, ttl=YEAR)


def streak(user_id: str) -> Key:
    """Key of a student's streak, 365 days."""
    return Key.of("streak", user_id, ttl=YEAR)


def alerts() -> Key:
    """Key of the newest alerts about all students, 365 days."""
    return Key.of("alerts", ttl=YEAR)


def topic_mastery(user_id: str, topic: str) -> Key:
    """Key of a student's mastery of one topic, 365 days (shared store)."""
    return Key.of("mastery", user_id, topic, ttl=YEAR)


def mastery(student_id: str) -> Key:
    """Key of a student's mastery of all topics, 365 days (shared store)."""
    return Key.of("student", student_id, "mastery", "latest", ttl=YEAR)


def mastery_on(student_id: str, day: date) -> Key:
    """Key of the snapshot of a student's mastery on a day, 365 days (shared store)."""
    return Key.of("student", student_id, "mastery", day.isoformat(), ttl=YEAR)


def lock(student_id: str) -> Key:
    """Key of the lock on a student's mastery, 30 seconds (shared store)."""
    return Key.of("student", student_id, "lock", ttl=LOCK_SECONDS)
