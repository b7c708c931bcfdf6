"""Code review: asked for by event or over HTTP, answered with scores, issues and hints."""

from datetime import UTC, datetime

import pytest
from httpx2 import AsyncClient

from app.contracts.review import CodeReview, CodeReviewRequestEvent, Issue
from app.domain import reviewing
from dev.sidecar import Sidecar

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TOPIC, FEEDBACK = "code.review-request", "code.review-feedback"


def a_request(event_id: str = "req-1") -> CodeReviewRequestEvent:
    """Return a request."""
    return CodeReviewRequestEvent(event_id=event_id, user_id="stu-1", code="x=1")


def a_review() -> CodeReview:
    """Return a review with one issue."""
    return CodeReview(
        overall_score=72,
        criteria_scores={"style": 60},
        issues_found=[Issue(criterion="style", message="Spaces around =.", line="1")],
        hints=["Read PEP 8."],
        best_practices=["Name things."],
    )


def test_what_is_kept_is_the_review_not_the_code() -> None:
    """Of the code its hash stays."""
    state = reviewing.record(a_request(), a_review(), NOW)
    assert "x=1" not in state.model_dump_json()
    assert (state.review_id, state.common_patterns) == ("req-1", ["style"])


def test_feedback_answers_the_request() -> None:
    """Its id follows from the request's, so that repeating it is harmless."""
    event = a_request()
    told = reviewing.feedback(event, reviewing.record(event, a_review(), NOW))
    assert (told.request_id, told.user_id, told.event_id) == ("req-1", "stu-1", event.derived_id())
    assert told.suggestions == ["Read PEP 8.", "Name things."]


def test_a_summary_names_score_and_lines() -> None:
    """As a student reads it."""
    said = reviewing.summary(a_review())
    assert said.splitlines()[:2] == [
        "Your code scores 72 of 100.",
        "- Line 1: Spaces around =.",
    ]


def test_long_code_is_cut_and_said_to_be() -> None:
    """A question to the model has a limited length."""
    asked = reviewing.question("x" * 20_000, "python", ["style"])
    assert len(asked) < 10_000
    assert "(12000 more characters)" in asked


async def test_a_request_is_answered_by_feedback_and_kept(
    client: AsyncClient, sidecar: Sidecar
) -> None:
    """The review can be read later."""
    assert await sidecar.deliver(TOPIC, a_request()) == ["SUCCESS"]
    (told,) = sidecar.published(FEEDBACK)
    assert told["request_id"] == "req-1"
    kept = (await client.get("/reviews/req-1")).json()
    assert kept["reviews"][0]["overall_score"] == told["overall_score"]


@pytest.mark.usefixtures("service")
async def test_a_repeated_request_gets_the_same_review(sidecar: Sidecar) -> None:
    """The model is asked once."""
    await sidecar.deliver(TOPIC, a_request(), times=2)
    first, second = sidecar.published(FEEDBACK)
    assert {**first, "timestamp": ""} == {**second, "timestamp": ""}
    assert len((await sidecar.state("review:req-1"))["reviews"]) == 1


async def test_a_review_is_asked_for_over_http(client: AsyncClient, sidecar: Sidecar) -> None:
    """202 with the id under which it can be read once it is done."""
    asked = {"student_id": "stu-1", "query": "is it good?", "code": "x = 1", "criteria": ["style"]}
    answer = await client.post("/reviews", json=asked)
    assert answer.status_code == 202
    await sidecar.settled()
    request_id = answer.json()["request_id"]
    assert (await client.get(f"/reviews/{request_id}")).json()["user_id"] == "stu-1"


async def test_the_method_answers_at_once(client: AsyncClient) -> None:
    """As triage invokes it."""
    asked = {"student_id": "stu-1", "query": "is it good?", "code": "x = 1"}
    answer = await client.post("/review_code", json=asked)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert (said["agent_type"], said["student_id"]) == ("review", "stu-1")
    assert said["content"].startswith("Your code scores")
    assert 0 <= said["token_efficiency"] <= 1


async def test_an_unknown_review_is_not_found(client: AsyncClient) -> None:
    """404 until the review is done."""
    assert (await client.get("/reviews/none")).status_code == 404
