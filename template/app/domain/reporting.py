"""Reporting: a student's progress, as others read it."""

from datetime import UTC, datetime

from app.contracts.learnflow import Level, level_of
from app.contracts.progress import MasteryScores, MasteryState, mastery, percent
from app.domain.streaks import streak_on
from app.models.progress import Colour, ProgressReport, ProgressState, TopicProgress, TopicReport

COLOURS: dict[Level, Colour] = {
    "Beginner": "red",
    "Learning": "yellow",
    "Proficient": "green",
    "Mastered": "blue",
}

NEVER = datetime.min.replace(tzinfo=UTC)


def overall(state: ProgressState) -> float:
    """Return the mean mastery of the topics tracked, 0–1; 0 where there are none."""
    tracked = [mastery(topic.scores) for topic in state.topics.values() if topic.scores]
    return min(1.0, sum(tracked) / len(tracked)) if tracked else 0.0


def mastery_scores(state: ProgressState) -> MasteryScores:
    """Return the mastery of all topics, as all services read it."""
    tracked = {name: topic for name, topic in state.topics.items() if topic.scores}
    times = [topic.scored_at for topic in tracked.values() if topic.scored_at]
    return MasteryScores(
        student_id=state.user_id,
        latest_scores={name: topic.scores for name, topic in tracked.items() if topic.scores},
        overall_mastery=overall(state),
        last_updated=max(times, default=NEVER),
        components_tracked=list(tracked),
        revision=state.revision,
    )


def mastery_state(state: ProgressState, topic: str) -> MasteryState:
    """Return the mastery of one topic, 0–100."""
    known = state.topics[topic]
    return MasteryState(
        user_id=state.user_id,
        topic=topic,
        mastery_level=percent(_mastery(known)),
        exercises_completed=known.exercises_completed,
        exercises_passed=known.exercises_passed,
        last_updated=known.last_updated,
    )


def report(state: ProgressState, now: datetime) -> ProgressReport:
    """Return the progress as it stands `now`."""
    level = level_of(percent(overall(state)))
    return ProgressReport(
        student_id=state.user_id,
        queries=state.queries,
        answers=state.answers,
        total_exercises=state.total_exercises,
        passed_exercises=state.passed_exercises,
        current_streak=streak_on(state, now),
        longest_streak=state.longest_streak,
        last_activity_date=state.last_activity_date,
        overall_mastery=overall(state),
        level=level,
        colour=COLOURS[level],
        topics={name: _topic(topic) for name, topic in state.topics.items()},
        alerts=len(state.alerts),
    )


def sentence(report: ProgressReport) -> str:
    """Say a progress to the student."""
    days = "day" if report.current_streak == 1 else "days"
    said = [
        f"Your mastery is {percent(report.overall_mastery):.0f} % ({report.level}).",
        f"You asked {report.queries} questions and got {report.answers} answers.",
        f"{report.passed_exercises} of {report.total_exercises} exercises are passed.",
        f"Your streak is {report.current_streak} {days}, the longest {report.longest_streak}.",
    ]
    return " ".join(said)


def _topic(topic: TopicProgress) -> TopicReport:
    share = _mastery(topic)
    level = level_of(percent(share))
    return TopicReport(
        mastery=share,
        level=level,
        colour=COLOURS[level],
        exercises_completed=topic.exercises_completed,
        exercises_passed=topic.exercises_passed,
    )


def _mastery(topic: TopicProgress) -> float:
    return min(1.0, mastery(topic.scores)) if topic.scores else 0.0
