"""Requests: failures have one shape, each request its id, and who may call."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator

import pytest
from fastapi import HTTPException
from httpx2 import AsyncClient, Response
from pydantic import BaseModel

from app.core.errors import NotFoundError
from app.core.telemetry import DEADLINE, deadline
from app.main import create_app
from dev.serve import HOST, serve


class Body(BaseModel):
    """What the test's route takes."""

    number: int


@pytest.fixture(scope="module")
async def bare() -> AsyncGenerator[AsyncClient]:
    """Run the service without features, with routes that fail."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MAX_BODY_BYTES", "1024")
        app = create_app(features=[])

    @app.post("/number")
    async def number(body: Body) -> int:
        return 100 // body.number

    @app.get("/thing/{name}")
    async def thing(name: str) -> None:
        raise NotFoundError("thing", name)

    @app.get("/left")
    async def left() -> float | None:
        end = deadline.get()
        return end and end - time.monotonic()

    @app.get("/raised/{status}")
    async def raised(status: int, why: str = "so") -> None:
        raise HTTPException(status, json.loads(why) if why[0] == "{" else why)

    @app.get("/cancelled")
    async def cancelled() -> None:
        raise asyncio.CancelledError

    @app.get("/tasks")
    async def tasks() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(cancelled())
            group.create_task(raised(404))

    _ = (number, thing, left, raised, cancelled, tasks)  # FastAPI keeps them
    async with serve(app) as port, AsyncClient(base_url=f"http://{HOST}:{port}") as client:
        yield client


def check(answer: Response, status: int, code: str) -> None:
    """Assert that the answer is a problem, whole and of this kind."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["status"], body["code"]) == (status, status, code)
    assert body["title"]
    assert body["detail"]
    assert body["type"] == "about:blank"
    assert body["request_id"] == answer.headers["x-request-id"]


async def test_an_unknown_path_is_404(bare: AsyncClient) -> None:
    """Not the framework's own shape."""
    check(await bare.get("/nowhere/at/all"), 404, "not-found")


async def test_a_wrong_method_is_405_and_says_which_is_right(bare: AsyncClient) -> None:
    """The header `Allow` stays."""
    answer = await bare.get("/number")
    check(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == "POST"


async def test_a_typed_error_tells_its_detail(bare: AsyncClient) -> None:
    """It says what is missing."""
    answer = await bare.get("/thing/lamp")
    check(answer, 404, "not-found")
    assert answer.json()["detail"] == "There is no thing 'lamp'."


async def test_a_request_knows_how_long_it_is_waited_for(bare: AsyncClient) -> None:
    """If the caller says so, in milliseconds; what is no number says nothing."""
    left = (await bare.get("/left", headers={DEADLINE: "60000"})).json()
    assert 30 < left <= 60
    for value in ("", "soon", "-5", "1.5", "9" * 6000):
        left = (await bare.get("/left", headers={DEADLINE: value})).json()
        assert left is None or left > 60
    assert (await bare.get("/left")).json() is None


@pytest.mark.parametrize("content", [b'{"number": "x"}', b"{}", b"no json", b"", b"[1"])
async def test_invalid_input_is_422_and_named(bare: AsyncClient, content: bytes) -> None:
    """Every mistake has a place; what was sent is not sent back."""
    headers = {"content-type": "application/json"}
    answer = await bare.post("/number", content=content, headers=headers)
    check(answer, 422, "invalid-input")
    assert all(item["location"] and item["message"] for item in answer.json()["errors"])


async def test_a_body_that_is_no_text_is_400(bare: AsyncClient) -> None:
    """Nothing in it has a place."""
    headers = {"content-type": "application/json"}
    check(await bare.post("/number", content=b"\xff", headers=headers), 400, "bad-request")


async def in_pieces(size: int) -> AsyncIterator[bytes]:
    """Yield a body whose length nobody announces."""
    for _ in range(size // 256):
        yield b" " * 256


async def test_a_body_over_the_limit_is_413(bare: AsyncClient) -> None:
    """Whether its length is announced or not; one at the limit is none."""
    check(await bare.post("/number", content=b" " * 1025), 413, "content-too-large")
    check(await bare.post("/number", content=in_pieces(2048)), 413, "content-too-large")
    fits = b'{"number": 5}'.ljust(1024)
    answer = await bare.post("/number", content=fits, headers={"content-type": "application/json"})
    assert answer.json() == 20


async def test_a_status_without_a_name_is_a_problem_too(bare: AsyncClient) -> None:
    """Its code is its number."""
    answer = await bare.get("/raised/499")
    check(answer, 499, "http-499")
    assert answer.json()["detail"] == "so"


async def test_what_is_no_failure_has_no_body(bare: AsyncClient) -> None:
    """An HTTPException may also end a request early."""
    for status in (204, 304):
        answer = await bare.get(f"/raised/{status}")
        assert (answer.status_code, answer.content) == (status, b"")


async def test_a_detail_is_text(bare: AsyncClient) -> None:
    """What is none is a member of its own."""
    answer = await bare.get("/raised/400", params={"why": '{"why": 1}'})
    check(answer, 400, "bad-request")
    assert (answer.json()["detail"], answer.json()["details"]) == ("Bad Request", {"why": 1})


async def test_a_cancelled_call_is_500_like_any_bug(bare: AsyncClient) -> None:
    """A route may await something that was cancelled; the request itself was not."""
    check(await bare.get("/cancelled"), 500, "internal-server-error")


async def test_a_group_of_tasks_that_fails_is_500(bare: AsyncClient) -> None:
    """On Python 3.11 and 3.12 a group leaves its task looking as if it was cancelled."""
    check(await bare.get("/tasks"), 500, "internal-server-error")


async def test_a_bug_is_500_and_shows_nothing(bare: AsyncClient) -> None:
    """No exception, no traceback; the service goes on."""
    answer = await bare.post("/number", json={"number": 0})
    check(answer, 500, "internal-server-error")
    assert "Zero" not in answer.text
    assert (await bare.post("/number", json={"number": 5})).json() == 20


async def test_a_request_keeps_the_id_it_comes_with(bare: AsyncClient) -> None:
    """So that logs of several services can be read together."""
    answer = await bare.get("/health", headers={"x-request-id": "req-1"})
    assert answer.headers["x-request-id"] == "req-1"


async def test_a_request_without_id_gets_one_of_its_own(bare: AsyncClient) -> None:
    """Each another."""
    ids = {(await bare.get("/health")).headers["x-request-id"] for _ in range(3)}
    assert len(ids) == 3


@pytest.fixture
async def guarded(monkeypatch: pytest.MonkeyPatch) -> AsyncGenerator[AsyncClient]:
    """Run the service with a token, from a file of secrets: it has a line end."""
    monkeypatch.setenv("APP_API_TOKEN", "s3cret\n")
    async with (
        serve(create_app(features=[])) as port,
        AsyncClient(base_url=f"http://{HOST}:{port}") as client,
    ):
        yield client


@pytest.mark.parametrize("token", [None, "", "wrong", "s3cret2"])
async def test_without_the_token_nothing_is_answered(
    guarded: AsyncClient, token: str | None
) -> None:
    """401, in the shape of all failures, and no word of the right one."""
    headers = {} if token is None else {"dapr-api-token": token}
    answer = await guarded.get("/openapi.json", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
    assert "s3cret" not in answer.text


async def test_with_the_token_it_is_as_without_one(guarded: AsyncClient) -> None:
    """The sidecar sends it with every call."""
    answer = await guarded.get("/openapi.json", headers={"dapr-api-token": "s3cret"})
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/health", "/ready", "/metrics"])
async def test_probes_need_none(guarded: AsyncClient, path: str) -> None:
    """Dapr's and Kubernetes' probes can't send one."""
    assert (await guarded.get(path)).status_code == 200
