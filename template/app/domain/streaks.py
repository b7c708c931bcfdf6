"""Streaks: consecutive days with activity, in UTC."""

from datetime import datetime, timedelta

from app.contracts.learnflow import utc
from app.models.progress import ProgressState

DAY = timedelta(days=1)


def active(state: ProgressState, time: datetime) -> ProgressState:
    """Return the progress after an activity; one that arrives late breaks no streak."""
    time = utc(time)
    last = state.last_activity_date
    if last and time.date() <= last.date():
        return state.model_copy(update={"last_activity_date": max(last, time)})
    follows = last is not None and time.date() - last.date() == DAY
    streak = state.current_streak + 1 if follows else 1
    return state.model_copy(
        update={
            "current_streak": streak,
            "longest_streak": max(streak, state.longest_streak),
            "last_activity_date": time,
        }
    )


def streak_on(state: ProgressState, now: datetime) -> int:
    """Return the streak as it stands: it lasts until a whole day was missed."""
    last = state.last_activity_date
    return state.current_streak if last and utc(now).date() - last.date() <= DAY else 0
