"""Triage: from a student's question to the specialist's request."""

import pytest
from httpx2 import AsyncClient

from app.contracts.learning import LearningQueryEvent
from dev.sidecar import Sidecar


def a_query(query: str = "What is a list?", session_id: str | None = None) -> LearningQueryEvent:
    """Return a student's question."""
    return LearningQueryEvent(
        event_id="query-1", user_id="stu-1", query=query, session_id=session_id
    )


@pytest.mark.usefixtures("service")
@pytest.mark.parametrize(
    ("query", "topic", "field", "value"),
    [
        ("What is a list?", "learning.concept-request", "concept", "lists"),
        ("Review this: ```x = 1```", "code.review-request", "code", "x = 1"),
        ("I get a KeyError: 'a'", "code.error-request", "error_message", "KeyError: 'a'"),
        ("An exercise on sets", "exercise.request", "topic", "sets"),
    ],
)
async def test_a_question_becomes_the_specialists_request(
    sidecar: Sidecar, query: str, topic: str, field: str, value: str
) -> None:
    """The student's id goes along."""
    assert await sidecar.deliver("learning.query", a_query(query)) == ["SUCCESS"]
    (request,) = sidecar.published(topic)
    assert (request["user_id"], request[field]) == ("stu-1", value)


@pytest.mark.usefixtures("service")
async def test_the_decision_is_told(sidecar: Sidecar) -> None:
    """`learning.routed` is the question with the specialist and the topic."""
    await sidecar.deliver("learning.query", a_query())
    (routed,) = sidecar.published("learning.routed")
    assert (routed["query"], routed["user_id"]) == ("What is a list?", "stu-1")
    assert (routed["specialist"], routed["topic"]) == ("concepts", "lists")


@pytest.mark.usefixtures("service")
async def test_a_question_on_progress_asks_nobody(sidecar: Sidecar) -> None:
    """It is routed, and no specialist gets a request."""
    await sidecar.deliver("learning.query", a_query("How am I doing?"))
    assert [event["specialist"] for event in sidecar.published("learning.routed")] == ["progress"]
    assert not sidecar.published("learning.concept-request")


@pytest.mark.usefixtures("service")
async def test_a_repeated_question_keeps_its_ids_and_counts_once(sidecar: Sidecar) -> None:
    """Delivery is at least once; whoever reads the events knows them again."""
    await sidecar.deliver("learning.query", a_query(session_id="s-1"), times=2)
    for topic in ("learning.routed", "learning.concept-request"):
        assert len({event["event_id"] for event in sidecar.published(topic)}) == 1
    assert (await sidecar.state("session:s-1"))["query_count"] == 1


@pytest.mark.usefixtures("service")
async def test_a_session_remembers_its_topic(sidecar: Sidecar) -> None:
    """A question that names no concept is about the one before."""
    await sidecar.deliver("learning.query", a_query(session_id="s-1"))
    follow_up = a_query("And what for?", "s-1").model_copy(update={"event_id": "query-2"})
    await sidecar.deliver("learning.query", follow_up)
    concepts = [event["concept"] for event in sidecar.published("learning.concept-request")]
    assert concepts == ["lists", "lists"]


@pytest.mark.usefixtures("service")
async def test_a_session_of_somebody_else_is_not_continued(sidecar: Sidecar) -> None:
    """Session ids come from clients: whose it is, the learner's id says."""
    await sidecar.deliver("learning.query", a_query(session_id="s-1"))
    other = LearningQueryEvent(user_id="stu-2", query="And what for?", session_id="s-1")
    await sidecar.deliver("learning.query", other)
    session = await sidecar.state("session:s-1")
    assert (session["user_id"], session["query_count"]) == ("stu-2", 1)
    assert session["current_topic"] is None


async def test_a_question_over_http_is_on_its_way(client: AsyncClient, sidecar: Sidecar) -> None:
    """202 with the id of the event, and the request of the specialist follows."""
    answer = await client.post("/query", json={"student_id": "stu-1", "query": "What is a list?"})
    assert answer.status_code == 202, answer.text
    await sidecar.settled()
    (query,) = sidecar.published("learning.query")
    assert query["event_id"] == answer.json()["query_id"]
    assert len(sidecar.published("learning.concept-request")) == 1


@pytest.mark.parametrize(("student", "query"), [("stu-1", ""), ("a\x01b", "What is a list?")])
async def test_an_empty_question_or_a_broken_id_is_refused(
    client: AsyncClient, sidecar: Sidecar, student: str, query: str
) -> None:
    """And nothing is told to anybody; an event that has it all the same is a dead letter."""
    answer = await client.post("/query", json={"student_id": student, "query": query})
    assert answer.status_code == 422
    assert not sidecar.published("learning.query")
    event = {"user_id": student, "query": query}
    assert await sidecar.deliver("learning.query", event) == ["SUCCESS"]
    (letter,) = sidecar.published("dead-letter.queue")
    assert (letter["error_type"], letter["retry_count"]) == ("ValidationError", 1)
