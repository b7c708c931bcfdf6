"""Asking: answers at once, through the specialist's method."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from httpx2 import AsyncClient

from dev.serve import HOST, serve
from dev.sidecar import Sidecar
from dev.sidecar.blocks import App

METHODS = {
    "concepts-service": "explain_concept",
    "code-review-service": "review_code",
    "debug-service": "debug_error",
    "exercise-service": "generate_exercise",
    "progress-service": "get_progress",
}


class Specialists:
    """All specialists in one: `requests` is what they were asked, `status` what they answer."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, dict[str, Any]]] = []
        self.status = 200
        self.app = FastAPI()
        for method in METHODS.values():
            self.app.add_api_route(f"/{method}", self._answer, methods=["POST"])

    async def _answer(self, request: Request) -> JSONResponse:
        method, asked = request.url.path[1:], await request.json()
        self.requests.append((method, asked))
        if self.status != 200:
            return JSONResponse({"detail": "no luck", "status": self.status}, self.status)
        return JSONResponse(
            {
                "response_id": "answer-1",
                "agent_type": "concepts",
                "student_id": asked["student_id"],
                "content": f"by {method}",
                "token_efficiency": 0.5,
                "processing_time_ms": 1,
            }
        )


@pytest.fixture
async def specialists(sidecar: Sidecar) -> AsyncGenerator[Specialists]:
    """Run the specialists under their app-ids."""
    found = Specialists()
    async with serve(found.app) as port:
        for app_id in METHODS:
            app = App(app_id=app_id, address=f"http://{HOST}:{port}", components={})
            sidecar.add(app)
            await app.up.wait()
        yield found


@pytest.mark.parametrize(
    ("query", "method", "field", "value"),
    [
        ("Review this: ```x = 1```", "review_code", "code", "x = 1"),
        ("Fix this! ```x = y```", "debug_error", "code", "x = y"),
        ("I get a KeyError: 'a'", "debug_error", "code", "KeyError: 'a'"),
        ("An exercise on sets", "generate_exercise", "topic", "sets"),
        ("What is a list?", "explain_concept", "query", "What is a list?"),
        ("How am I doing?", "get_progress", "student_id", "stu-1"),
    ],
)
async def test_the_specialist_answers(
    client: AsyncClient,
    specialists: Specialists,
    query: str,
    method: str,
    field: str,
    value: str,
) -> None:
    """Each gets the request that its method takes."""
    answer = await client.post("/ask", json={"student_id": "stu-1", "query": query})
    assert answer.status_code == 200, answer.text
    assert answer.json()["content"] == f"by {method}"
    ((asked, request),) = specialists.requests
    assert (asked, request[field]) == (method, value)


async def test_an_answered_question_is_told_but_not_requested_again(
    client: AsyncClient, sidecar: Sidecar, specialists: Specialists
) -> None:
    """Progress hears of it; the specialist's topic stays empty, or there would be two answers."""
    await client.post("/ask", json={"student_id": "stu-1", "query": "What is a list?"})
    assert len(specialists.requests) == 1
    assert [event["topic"] for event in sidecar.published("learning.routed")] == ["lists"]
    assert not sidecar.published("learning.concept-request")


async def test_what_triage_found_goes_along(client: AsyncClient, specialists: Specialists) -> None:
    """The specialist need not guess the topic again."""
    await client.post("/ask", json={"student_id": "stu-1", "query": "What is a list?"})
    ((_, request),) = specialists.requests
    assert request["context"]["topic"] == "lists"


async def test_a_specialists_error_is_passed_on_and_a_costly_call_not_repeated(
    client: AsyncClient, specialists: Specialists
) -> None:
    """A problem+json says who failed; the model may have been paid already."""
    specialists.status = 503
    answer = await client.post("/ask", json={"student_id": "stu-1", "query": "What is a list?"})
    assert (answer.status_code, answer.json()["code"]) == (502, "callee-error")
    assert "no luck" in answer.json()["detail"]
    assert len(specialists.requests) == 1
