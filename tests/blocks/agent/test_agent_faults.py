"""What servers do wrong, and what comes of it: an answer, or one typed error, in time.

`tries` is how often the server is asked: what may have been paid is never sent again.
"""

import asyncio
import json
import traceback
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse
from structlog.testing import capture_logs

from app.agents import server
from app.agents.client import Agent
from app.agents.errors import (
    AnswerCutError,
    AnswerWithheldError,
    ModelAnswerError,
    ModelBrokenError,
    ModelDeadlineError,
    ModelRefusedError,
    ModelUnavailableError,
)
from app.agents.failures import retry_after
from app.agents.reply import Message, Reply
from app.core.errors import ServiceError
from dev.openai import Failure, OpenAIServer, Silence
from dev.openai import Reply as Says
from dev.openai.script import Scripted, problem
from dev.serve import free_port

AgentWith = Callable[..., AbstractAsyncContextManager[Agent]]
KEY = "sk-never-to-be-seen-anywhere"
WORDS = "one two three four five six"


@dataclass(frozen=True)
class Fault:
    """What the server does at each try, and what is raised: None is the answer."""

    name: str
    script: Callable[[], list[Scripted]]
    error: type[ServiceError] | None
    tries: int = 1


def body(**changes: Any) -> Response:
    """Return a completion, changed at will."""
    message = {"role": "assistant", "content": "hi", "refusal": None}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    head = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m"}
    return JSONResponse({**head, "choices": [choice], **changes})


def events(text: str) -> Response:
    """Return a stream of any content."""
    return Response(text, media_type="text/event-stream")


def chunks(*sent: dict[str, Any]) -> Response:
    """Return a stream of these chunks."""
    return events("".join(f"data: {json.dumps(chunk)}\n\n" for chunk in sent))


async def endless() -> AsyncGenerator[bytes]:
    """Yield more and more, as fast as it is read."""
    while True:
        yield b"x" * 65_536
        await asyncio.sleep(0)


def unnamed() -> Response:
    """Refuse the limit for its name."""
    told = "Use 'max_completion_tokens'."
    return problem(400, told, code="unsupported_parameter", param="max_tokens")


def failure(status: int, code: str | None = None) -> list[Scripted]:
    """Fail at each of three tries; a retry need not wait."""
    return [Failure(status, code, retry_after_ms=1)] * 3


BEFORE_AN_ANSWER = [
    *(
        Fault(f"{status}", lambda status=status: failure(status), ModelRefusedError)
        for status in (400, 401, 403, 404, 422)
    ),
    *(
        Fault(f"{status}", lambda status=status: failure(status), ModelUnavailableError, tries=3)
        for status in (408, 409, 429, 500, 502, 503)
    ),
    Fault("429 once, without Retry-After", lambda: [Failure(429), WORDS], None, tries=2),
    Fault("429 once, with one", lambda: [Failure(429, retry_after="0.01"), WORDS], None, tries=2),
    Fault(
        "a Retry-After beyond the deadline",
        lambda: [Failure(429, retry_after="60"), WORDS],
        ModelUnavailableError,
    ),
    Fault("no quota left", lambda: failure(429, code="insufficient_quota"), ModelRefusedError),
    Fault(
        "a redirect",
        lambda: [Response(status_code=307, headers={"location": "http://elsewhere.test/"})],
        ModelRefusedError,
    ),
    Fault("a broken connection", lambda: [Says(WORDS, end="broken")], ModelBrokenError),
]
AT_ONCE = [
    Fault("no JSON", lambda: [Response(b'{"choices": [')], ModelAnswerError),
    Fault("a page of HTML", lambda: [HTMLResponse("<p>gateway</p>")], ModelAnswerError),
    Fault("another JSON", lambda: [JSONResponse("text")], ModelAnswerError),
    Fault("an error with 200", lambda: [JSONResponse({"error": {}})], ModelAnswerError),
    Fault("choices []", lambda: [body(choices=[])], ModelAnswerError),
    Fault("choices null", lambda: [body(choices=None)], ModelAnswerError),
    Fault("a choice of nothing", lambda: [body(choices=[{}])], ModelAnswerError),
    Fault("content null", lambda: [Says(None)], ModelAnswerError),
    Fault("no content", lambda: [Says("")], ModelAnswerError),
    Fault("no id, no model", lambda: [body(id=None, model=None)], None),
    Fault("usage null", lambda: [Says(WORDS, usage=None)], None),
    Fault("usage of nonsense", lambda: [body(usage={"prompt_tokens": "x"})], None),
]
STREAMED = [
    Fault("no stream", lambda: [HTMLResponse("<p>gateway</p>")], AnswerCutError),
    Fault("an empty stream", lambda: [events("")], AnswerCutError),
    Fault("a line of no JSON", lambda: [events("data: {oops\n\n")], ModelAnswerError),
    Fault("a line of another JSON", lambda: [events("data: 5\n\n")], ModelAnswerError),
    Fault("no [DONE]", lambda: [Says(WORDS, end="undone")], None),
    Fault("an early end", lambda: [Says(WORDS, end="early")], AnswerCutError),
    Fault("half a line", lambda: [Says(WORDS, end="half a line")], AnswerCutError),
    Fault("an error in the stream", lambda: [Says(WORDS, end="error")], ModelBrokenError),
    Fault("no content", lambda: [Says("")], ModelAnswerError),
    Fault(
        "a last chunk of nothing",
        lambda: [
            chunks(
                {"id": "c-1", "model": "m", "choices": [{"delta": {"content": "hi"}}]},
                {"id": None, "model": None, "choices": [{"delta": None, "finish_reason": "stop"}]},
            )
        ],
        None,
    ),
    Fault("no usage", lambda: [Says(WORDS, usage=None)], None),
]
EITHER_WAY = [
    Fault("length", lambda: [Says(WORDS, finish="length")], AnswerCutError),
    Fault("over the limit", lambda: ["word " * 200], AnswerCutError),
    Fault("length by another name", lambda: [Says(WORDS, finish="max_tokens")], AnswerCutError),
    Fault("an end by error", lambda: [Says(WORDS, finish="error")], AnswerCutError),
    Fault("white space", lambda: [Says(" \n ")], ModelAnswerError),
    Fault("content_filter", lambda: [Says(WORDS, finish="content_filter")], AnswerWithheldError),
    Fault("a refusal", lambda: [Says(None, refusal="I won't.")], AnswerWithheldError),
    Fault("another model", lambda: [Says(WORDS, model="other")], None),
    Fault("no end", lambda: [StreamingResponse(endless())], ModelAnswerError),
]


async def at_once(agent: Agent) -> Reply[str]:
    """Ask anything."""
    return await agent.chat([Message(role="user", content="hi")])


async def streamed(agent: Agent) -> Reply[str]:
    """Ask anything, and read the stream to its end."""
    parts = [part async for part in agent.stream([Message(role="user", content="hi")])]
    last = parts.pop()
    assert isinstance(last, Reply)
    assert "".join(map(str, parts)) == last.content
    return last


async def outcome(
    ask: Callable[[Agent], Any], fault: Fault, agent: Agent, at: OpenAIServer
) -> None:
    """Check that a fault has its outcome: the error, the tries, and no key in what is raised."""
    at.requests.clear()
    at.script.clear()
    at.script.extend(fault.script())
    async with asyncio.timeout(60):
        if fault.error is None:
            assert (await ask(agent)).content
        else:
            with pytest.raises(fault.error) as caught:
                await ask(agent)
            assert type(caught.value) is fault.error
            assert KEY not in "".join(traceback.format_exception(caught.value))
    assert len(at.requests) == fault.tries


async def test_a_fault_has_one_outcome(
    agent: Agent, openai_server: OpenAIServer, subtests: pytest.Subtests
) -> None:
    """In answers at once."""
    for fault in (*BEFORE_AN_ANSWER, *AT_ONCE, *EITHER_WAY):
        with subtests.test(fault.name):
            await outcome(at_once, fault, agent, openai_server)


async def test_a_fault_has_one_outcome_in_a_stream(
    agent: Agent, openai_server: OpenAIServer, subtests: pytest.Subtests
) -> None:
    """Nothing that is cut looks complete."""
    for fault in (*BEFORE_AN_ANSWER, *STREAMED, *EITHER_WAY):
        with subtests.test(fault.name):
            await outcome(streamed, fault, agent, openai_server)


async def test_who_is_too_slow_meets_the_deadline(
    agent_with: AgentWith, openai_server: OpenAIServer
) -> None:
    """Before the headers, after them, or bit by bit; what may be paid is asked for once."""
    slow = (Silence(), Says(WORDS, wait=60), Says(WORDS, drip=0.2))
    openai_server.script.extend([*slow, *slow])
    async with agent_with(agent_seconds=0.5) as agent, asyncio.timeout(60):
        asked = [ask(agent) for ask in (at_once, streamed) for _ in slow]
        found = await asyncio.gather(*asked, return_exceptions=True)
    for error in found:
        assert type(error) is ModelDeadlineError
        assert KEY not in "".join(traceback.format_exception(error))
    assert len(openai_server.requests) <= 6


@pytest.mark.parametrize("ask", [at_once, streamed])
async def test_a_server_that_is_not_there_is_unavailable(
    ask: Callable[[Agent], Any], agent_with: AgentWith
) -> None:
    """Nothing was sent."""
    nowhere = f"http://127.0.0.1:{free_port()}/v1"
    async with agent_with(openai_base_url=nowhere, agent_retries=0) as agent:
        with pytest.raises(ModelUnavailableError):
            await ask(agent)


def test_what_may_have_been_paid_is_no_outage() -> None:
    """An event whose handler meets it is a dead letter, and not delivered again and again."""
    assert ModelUnavailableError().outage
    assert not ModelBrokenError().outage


@pytest.mark.parametrize(
    ("at_once_seconds", "error", "tries"),
    [(60.0, ModelUnavailableError, 3), (0.0, ModelBrokenError, 1)],
)
async def test_a_connection_that_breaks_at_once_was_idle_for_too_long(
    agent_with: AgentWith,
    monkeypatch: pytest.MonkeyPatch,
    at_once_seconds: float,
    error: type[ServiceError],
    tries: int,
) -> None:
    """A new one is tried; one that breaks later may have brought an answer that is paid."""
    monkeypatch.setattr(server, "AT_ONCE", at_once_seconds)
    asked = 0

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal asked
        asked += 1
        writer.close()

    async with await asyncio.start_server(hang_up, "127.0.0.1", 0) as listening:
        url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        async with agent_with(openai_base_url=url) as agent:
            with pytest.raises(error) as caught:
                await at_once(agent)
    assert (type(caught.value), asked) == (error, tries)
    assert getattr(caught.value, "retry_after", None) is None


async def test_the_deadline_holds_over_all_tries(
    agent_with: AgentWith, openai_server: OpenAIServer
) -> None:
    """However often the server is asked."""
    openai_server.script.extend([Failure(500, retry_after="0.2") for _ in range(9)])
    async with agent_with(agent_seconds=0.5, agent_retries=10) as agent, asyncio.timeout(60):
        with pytest.raises((ModelUnavailableError, ModelDeadlineError)):
            await at_once(agent)
    assert len(openai_server.requests) <= 3


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "3"}, 3),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after": "-3"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "3", "retry-after-ms": "20"}, 0.02),
        ({"retry-after": "3", "retry-after-ms": "soon"}, 3),
        ({"retry-after": "3", "retry-after-ms": "-1"}, 3),
    ],
)
def test_retry_after_is_read(headers: dict[str, str], seconds: float | None) -> None:
    """In seconds; what can't be read says nothing."""
    assert retry_after(headers) == seconds


def test_retry_after_may_be_a_date() -> None:
    """One that is over is none."""
    now = datetime.now(UTC)
    later, over = (format_datetime(now + timedelta(hours=hours), usegmt=True) for hours in (1, -1))
    assert 3500 < (retry_after({"retry-after": later}) or 0) <= 3600
    assert retry_after({"retry-after": over}) is None


@pytest.mark.parametrize("ask", [at_once, streamed])
async def test_newer_models_call_the_limit_by_another_name(
    ask: Callable[[Agent], Any], agent_with: AgentWith, openai_server: OpenAIServer
) -> None:
    """The server says so once, which costs nothing; from then on it has its way."""
    openai_server.script.append(unnamed())
    async with agent_with(agent_retries=0) as agent:
        for _ in range(2):
            assert (await ask(agent)).content
    told = [(asked.max_tokens, asked.max_completion_tokens) for asked in openai_server.requests]
    assert told == [(100, None), (None, 100), (None, 100)]


async def test_a_limit_that_is_refused_by_both_names_is_refused(
    agent: Agent, openai_server: OpenAIServer
) -> None:
    """Nobody asks for ever."""
    openai_server.script.extend(unnamed() for _ in range(9))
    with pytest.raises(ModelRefusedError):
        await at_once(agent)
    assert len(openai_server.requests) == 2


async def test_the_log_says_why_a_call_was_refused(
    agent: Agent, openai_server: OpenAIServer
) -> None:
    """In the server's words, if they are words; its message may hold the key."""
    openai_server.script.append(problem(400, KEY, code="unsupported_value", param="temperature"))
    openai_server.script.append(problem(400, KEY, code=f"{KEY} ", param=f"Bearer {KEY}"))
    with capture_logs() as logs:
        for _ in range(2):
            with pytest.raises(ModelRefusedError):
                await at_once(agent)
    said, unsaid = (line for line in logs if line["event"] == "agent.refused")
    assert (said["status"], said["code"], said["param"]) == (
        400,
        "unsupported_value",
        "temperature",
    )
    assert said["type"] == "invalid_request_error"
    assert not {"code", "param"} & set(unsaid)
    assert KEY not in str(logs)
