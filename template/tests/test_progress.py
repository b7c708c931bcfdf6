"""Progress: what the other services tell, kept and shown."""

from datetime import UTC, datetime

import pytest
from httpx2 import AsyncClient
from pydantic import ValidationError

from app.contracts.concepts import ConceptResponseEvent
from app.contracts.debug import ErrorRequestEvent
from app.contracts.exercise import ExerciseGradedEvent
from app.contracts.learning import LearningQueryEvent
from app.contracts.progress import ComponentScores, StudentProgress, mastery
from dev.sidecar import Sidecar

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def scores(
    completion: float = 0.85, quiz: float = 0.9, quality: float = 0.75, consistency: float = 0.8
) -> ComponentScores:
    """Return the scores of seed 001's example, or others."""
    return ComponentScores(
        completion=completion, quiz=quiz, quality=quality, consistency=consistency
    )


def new_scores(
    key: str = "key-1", component: str = "loops", given: ComponentScores | None = None
) -> StudentProgress:
    """Return new scores of a topic."""
    given = given or scores()
    return StudentProgress(
        student_id="stu-1",
        component=component,
        scores=given,
        mastery=mastery(given),
        idempotency_key=key,
    )


def a_grade(event_id: str = "grade-1", *, passed: bool = True) -> ExerciseGradedEvent:
    """Return the grade of an exercise about loops."""
    return ExerciseGradedEvent(
        event_id=event_id,
        submission_id="sub-1",
        exercise_id="ex-1",
        user_id="stu-1",
        passed=passed,
        score=100,
        feedback="Well done",
        topic="loops",
    )


def test_mastery_is_the_weighted_mean() -> None:
    """0.4 completion, 0.3 quiz, 0.2 quality, 0.1 consistency."""
    assert mastery(scores()) == pytest.approx(0.84)
    assert mastery(scores(1, 0, 0, 0)) == pytest.approx(0.4)
    assert mastery(scores(0, 1, 0, 0)) == pytest.approx(0.3)
    assert mastery(scores(0, 0, 1, 0)) == pytest.approx(0.2)
    assert mastery(scores(0, 0, 0, 1)) == pytest.approx(0.1)


def test_scores_are_clamped_on_input() -> None:
    """To 0–1."""
    assert scores(1.7, -0.2) == scores(1.0, 0.0)


@pytest.mark.parametrize(("off", "accepted"), [(0.001, True), (-0.001, True), (0.0011, False)])
def test_a_stated_mastery_may_be_off_by_a_thousandth(off: float, accepted: bool) -> None:
    """Beyond that the event is refused."""
    stated = new_scores().model_dump(mode="json") | {"mastery": mastery(scores()) + off}
    if accepted:
        assert StudentProgress.model_validate(stated)
        return
    with pytest.raises(ValidationError, match=r"the scores give 0\.84"):
        StudentProgress.model_validate(stated)


def test_the_time_is_in_milliseconds_on_the_wire() -> None:
    """As seed 001 has it, and the learner may be called `user_id`."""
    sent = {**new_scores().model_dump(mode="json"), "timestamp": 1642095000000}
    sent["user_id"] = sent.pop("student_id")
    event = StudentProgress.model_validate(sent)
    assert event.timestamp == datetime(2022, 1, 13, 17, 30, tzinfo=UTC)
    assert event.model_dump(mode="json")["timestamp"] == 1642095000000


@pytest.mark.usefixtures("service")
async def test_new_scores_move_the_mastery_that_all_read(sidecar: Sidecar) -> None:
    """The overall mastery is the mean of the topics."""
    await sidecar.deliver("learning.events", new_scores())
    await sidecar.deliver("learning.events", new_scores("key-2", "lists", scores(0, 1, 0, 0)))
    latest = await sidecar.state("student:stu-1:mastery:latest")
    assert latest["components_tracked"] == ["loops", "lists"]
    assert latest["overall_mastery"] == pytest.approx((0.84 + 0.3) / 2)
    topic = await sidecar.state("mastery:stu-1:lists")
    assert topic["mastery_level"] == pytest.approx(30)


@pytest.mark.usefixtures("service")
async def test_each_day_keeps_its_snapshot(sidecar: Sidecar) -> None:
    """Under its date, in UTC."""
    for day, quiz in ((1, 0.5), (2, 0.9)):
        event = new_scores(f"key-{day}", given=scores(quiz=quiz))
        stamped = event.model_copy(update={"timestamp": datetime(2026, 3, day, 12, tzinfo=UTC)})
        await sidecar.deliver("learning.events", stamped)
    first = await sidecar.state("student:stu-1:mastery:2026-03-01")
    second = await sidecar.state("student:stu-1:mastery:2026-03-02")
    assert first["latest_scores"]["loops"]["quiz"] == 0.5
    assert second == await sidecar.state("student:stu-1:mastery:latest")


@pytest.mark.usefixtures("service")
async def test_scores_that_arrive_late_change_nothing(sidecar: Sidecar) -> None:
    """The newer ones stay."""
    newer = new_scores("key-2", given=scores(quiz=0.9)).model_copy(update={"timestamp": NOON})
    older = new_scores("key-1", given=scores(quiz=0.6))
    older = older.model_copy(update={"timestamp": NOON.replace(hour=11)})
    await sidecar.deliver("learning.events", newer)
    await sidecar.deliver("learning.events", older)
    latest = await sidecar.state("student:stu-1:mastery:latest")
    assert latest["latest_scores"]["loops"]["quiz"] == 0.9


@pytest.mark.usefixtures("service")
async def test_a_repeated_event_counts_once(sidecar: Sidecar) -> None:
    """Delivery is at least once; a student is not praised twice."""
    await sidecar.deliver("exercise.graded", a_grade(), times=2)
    progress = await sidecar.state("progress:stu-1")
    assert (progress["total_exercises"], progress["passed_exercises"]) == (1, 1)


@pytest.mark.usefixtures("service")
async def test_an_idempotency_key_counts_more_than_the_event_id(sidecar: Sidecar) -> None:
    """A producer that sends again under a new id has sent the same."""
    first = new_scores("key-1")
    again = first.model_copy(update={"event_id": "other"})
    await sidecar.deliver("learning.events", first)
    await sidecar.deliver("learning.events", again)
    assert (await sidecar.state("progress:stu-1"))["revision"] == 1


async def test_questions_and_answers_are_counted(client: AsyncClient, sidecar: Sidecar) -> None:
    """A question when it is routed, an answer for whom it names."""
    query = LearningQueryEvent(user_id="stu-1", query="What is a list?")
    answer = ConceptResponseEvent(
        request_id="request-1", user_id="stu-1", concept="lists", explanation="…", examples=[]
    )
    await sidecar.deliver("learning.query", query)
    routed = query.model_copy(update={"event_id": query.derived_id(), "specialist": "concepts"})
    await sidecar.deliver("learning.routed", routed)
    await sidecar.deliver("learning.concept-response", answer)
    report = (await client.get("/progress/stu-1")).json()
    assert (report["queries"], report["answers"], report["current_streak"]) == (1, 1, 1)


@pytest.mark.usefixtures("service")
async def test_an_answer_that_names_nobody_is_no_error(sidecar: Sidecar) -> None:
    """Seed 000's events carry no student: they are passed over."""
    answer = ConceptResponseEvent(
        request_id="request-1", concept="lists", explanation="…", examples=[]
    )
    assert await sidecar.deliver("learning.concept-response", answer) == ["SUCCESS"]


async def test_a_struggle_is_told_and_kept(client: AsyncClient, sidecar: Sidecar) -> None:
    """Once, however often the event comes."""
    for number in range(3):
        event = ErrorRequestEvent(
            event_id=f"error-{number}", user_id="stu-1", error_message="NameError: name 'x'"
        )
        await sidecar.deliver("code.error-request", event, times=2)
    alerts = (await client.get("/alerts")).json()
    assert [(alert["struggle_type"], alert["severity"]) for alert in alerts] == [
        ("repeated_error", "medium")
    ]
    assert alerts[0]["context"]["error_type"] == "NameError"
    told = {alert["event_id"] for alert in sidecar.published("struggle.alert")}
    assert told == {alerts[0]["event_id"]}


async def test_alerts_are_those_of_a_student_newest_first(
    client: AsyncClient, sidecar: Sidecar
) -> None:
    """A teacher looks at all, or at one."""
    for student in ("stu-1", "stu-2", "stu-1"):
        query = LearningQueryEvent(user_id=student, query="I'm stuck")
        await sidecar.deliver("learning.routed", query)
    everyone = (await client.get("/alerts")).json()
    assert [alert["user_id"] for alert in everyone] == ["stu-1", "stu-2", "stu-1"]
    answer = await client.get("/alerts", params={"student_id": "stu-1", "limit": 1})
    assert [alert["context"]["count"] for alert in answer.json()] == [2]


async def test_progress_has_a_level_and_its_colour(client: AsyncClient, sidecar: Sidecar) -> None:
    """Of all, and of each topic."""
    await sidecar.deliver("learning.events", new_scores())
    report = (await client.get("/progress/stu-1")).json()
    assert (report["level"], report["colour"]) == ("Proficient", "green")
    assert report["topics"]["loops"]["mastery"] == pytest.approx(0.84)


async def test_an_unknown_student_is_not_found(client: AsyncClient) -> None:
    """404 as problem+json."""
    answer = await client.get("/progress/nobody")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_the_method_says_it_to_the_student(client: AsyncClient, sidecar: Sidecar) -> None:
    """Who is new is told so, too."""
    asked = {"student_id": "stu-1", "query": "How am I doing?"}
    before = (await client.post("/get_progress", json=asked)).json()
    await sidecar.deliver("exercise.graded", a_grade())
    after = (await client.post("/get_progress", json=asked)).json()
    assert before["content"].startswith("Nothing is known of you yet")
    assert "1 of 1 exercises are passed" in after["content"]
    assert (after["agent_type"], after["metadata"]["passed_exercises"]) == ("progress", 1)
