"""Struggle and streaks: the rules, without a server."""

from datetime import UTC, datetime, timedelta

import pytest

from app.contracts.debug import ErrorRequestEvent
from app.contracts.exercise import ExerciseGradedEvent, ExerciseResponseEvent
from app.contracts.learning import LearningQueryEvent
from app.contracts.progress import ComponentScores, StudentProgress, mastery
from app.domain import progress
from app.domain.streaks import active, streak_on
from app.domain.struggle import asks_for_help, error_type
from app.models.progress import ProgressState

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


def raised(state: ProgressState | None) -> list[tuple[str, str]]:
    """Return type and severity of the alerts so far."""
    assert state
    return [(alert.struggle_type, alert.severity) for alert in state.alerts]


def errs(state: ProgressState | None, text: str, times: int = 1) -> ProgressState:
    """Return the progress after the same error so often."""
    for _ in range(times):
        state = progress.erred(state, ErrorRequestEvent(user_id="stu-1", error_message=text))
    assert state
    return state


def a_grade(*, passed: bool, minutes: float = 0, exercise_id: str = "ex-1") -> ExerciseGradedEvent:
    """Return a grade some minutes after the start."""
    return ExerciseGradedEvent(
        submission_id="sub-1",
        exercise_id=exercise_id,
        user_id="stu-1",
        passed=passed,
        score=100 if passed else 0,
        feedback="",
        timestamp=START + timedelta(minutes=minutes),
    )


def grades(state: ProgressState | None, *, passed: bool, times: int = 1) -> ProgressState:
    """Return the progress after so many grades."""
    for _ in range(times):
        state = progress.graded(state, a_grade(passed=passed))
    assert state
    return state


@pytest.mark.parametrize(
    ("times", "alerts"),
    [
        (2, []),
        (3, [("repeated_error", "medium")]),
        (4, [("repeated_error", "medium")]),
        (5, [("repeated_error", "medium"), ("repeated_error", "high")]),
    ],
)
def test_the_same_error_three_times_is_a_struggle(
    times: int, alerts: list[tuple[str, str]]
) -> None:
    """It is told once, and again when it gets worse."""
    assert raised(errs(None, "NameError: name 'x' is not defined", times)) == alerts


def test_other_errors_do_not_add_up() -> None:
    """It is the type that counts."""
    state = errs(errs(None, "NameError: name 'x'", 2), "TypeError: unsupported", 2)
    assert raised(state) == []


def test_a_passed_exercise_forgets_what_was_hard_before() -> None:
    """Three errors in a year are no struggle."""
    state = grades(errs(None, "NameError: name 'x'", 2), passed=True)
    assert raised(errs(state, "NameError: name 'x'", 2)) == []


def test_five_failures_in_a_row_are_a_struggle() -> None:
    """One success in between, and it is none."""
    assert raised(grades(None, passed=False, times=5)) == [("failed_in_a_row", "medium")]
    mixed = grades(grades(grades(None, passed=False, times=4), passed=True), passed=False)
    assert raised(mixed) == []


@pytest.mark.parametrize(
    ("minutes", "alerts"),
    [
        (10, []),
        (10.1, [("time_exceeded", "low")]),
        (25, [("time_exceeded", "medium")]),
        (45, [("time_exceeded", "high")]),
        (24 * 60, []),
    ],
)
def test_more_than_ten_minutes_on_an_exercise_are_a_struggle(
    minutes: float, alerts: list[tuple[str, str]]
) -> None:
    """Who comes back the next day was away."""
    handed_out = ExerciseResponseEvent(
        request_id="request-1",
        user_id="stu-1",
        exercise_id="ex-1",
        title="",
        description="",
        starter_code="",
        test_cases=[],
        difficulty="easy",
        timestamp=START,
    )
    state = progress.received(None, handed_out, "stu-1")
    assert raised(progress.graded(state, a_grade(passed=True, minutes=minutes))) == alerts


@pytest.mark.parametrize(
    ("quiz", "alerts"),
    [
        (0.5, []),
        (0.49, [("concept_gap", "medium")]),
        (0.1, [("concept_gap", "high")]),
    ],
)
def test_a_quiz_under_half_is_a_struggle(quiz: float, alerts: list[tuple[str, str]]) -> None:
    """Whatever the other scores are."""
    scores = ComponentScores(completion=1, quiz=quiz, quality=1, consistency=1)
    event = StudentProgress(
        student_id="stu-1",
        component="lists",
        scores=scores,
        mastery=mastery(scores),
        idempotency_key="key-1",
    )
    assert raised(progress.scored(None, event)) == alerts


@pytest.mark.parametrize(
    ("words", "stuck"),
    [
        ("I'm stuck", True),
        ("i am really stuck here", True),
        ("I don’t understand loops", True),
        ("Sorry, I do not really understand", True),
        ("I understand", False),
        ("He is stuck", False),
    ],
)
def test_who_says_to_be_stuck_is_heard(words: str, stuck: bool) -> None:
    """In the words that students use."""
    assert asks_for_help(words) is stuck
    state = progress.asked(None, LearningQueryEvent(user_id="stu-1", query=words))
    assert (raised(state) == [("asked_for_help", "medium")]) is stuck


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("NameError: name 'x' is not defined", "NameError"),
        ("ValueError: a\n\nDuring handling …\n\nKeyError: 'b'", "KeyError"),
        ("it does not work", None),
    ],
)
def test_the_last_error_named_is_the_one(text: str, name: str | None) -> None:
    """The ones before it led there."""
    assert error_type(text) == name


def days(*numbers: int) -> ProgressState:
    """Return the progress after activity on these days."""
    state = ProgressState(user_id="stu-1")
    for number in numbers:
        state = active(state, START + timedelta(days=number))
    return state


@pytest.mark.parametrize(
    ("numbers", "current", "longest"),
    [
        ((0,), 1, 1),
        ((0, 0), 1, 1),
        ((0, 1, 2), 3, 3),
        ((0, 1, 3), 1, 2),
        ((0, 1, 3, 4, 5), 3, 3),
        ((0, 1, 0), 2, 2),
    ],
)
def test_a_streak_is_of_consecutive_days(
    numbers: tuple[int, ...], current: int, longest: int
) -> None:
    """The longest is kept; what arrives late breaks nothing."""
    state = days(*numbers)
    assert (state.current_streak, state.longest_streak) == (current, longest)


def test_days_are_those_of_utc() -> None:
    """A minute before and after midnight are two days; a time without a zone is in UTC."""
    state = ProgressState(user_id="stu-1")
    state = active(state, datetime.fromisoformat("2026-03-02T00:59:00+01:00"))
    state = active(state, datetime.fromisoformat("2026-03-02T00:01:00"))
    assert state.current_streak == 2


@pytest.mark.parametrize(("later", "streak"), [(0, 2), (1, 2), (2, 0)])
def test_a_streak_ends_when_a_day_was_missed(later: int, streak: int) -> None:
    """Today is not missed before it is over."""
    assert streak_on(days(0, 1), START + timedelta(days=1 + later)) == streak
