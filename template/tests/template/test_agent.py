"""The agent: typed answers, typed failures, a memory that has an end."""

import asyncio
import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from fastapi import FastAPI
from pydantic import BaseModel, SecretStr
from starlette.responses import HTMLResponse, JSONResponse, Response

from app.agents.client import Agent, Message
from app.agents.errors import (
    ModelAnswerError,
    ModelDeadlineError,
    ModelRefusedError,
    ModelUnavailableError,
)
from app.agents.history import History
from app.agents.settings import AgentSettings
from app.core.config import ConfigurationError
from app.core.declaration.agent import AgentConfig
from app.core.declaration.state import StateConfig
from app.core.feature import discover
from app.main import create_app
from app.services.sidecar import Sidecar
from app.services.state import StateStore
from dev.openai import OpenAIServer

KEY = "sk-never-to-be-seen"
CONFIG = AgentConfig(model="test-model", max_tokens=100, max_history=4)


class Verdict(BaseModel):
    """The shape that the tests ask for."""

    good: bool
    why: str


@pytest.fixture
async def agent(service: FastAPI) -> AsyncGenerator[Agent]:
    """Return an agent of its own settings."""
    declared: AgentSettings = service.state.resources.get(AgentSettings)
    own = {"openai_api_key": SecretStr(KEY), "openai_model": None, "max_tokens": None}
    settings = declared.model_copy(update={**own, "agent_seconds": 2.0})
    async with Agent.open(CONFIG, settings) as agent:
        yield agent


def completion(content: str | None = "hi", **changes: Any) -> Response:
    """Return a completion, changed at will."""
    message = {"role": "assistant", "content": content, "refusal": changes.pop("refusal", None)}
    choice = {"index": 0, "message": message, "finish_reason": changes.pop("finish", "stop")}
    body = {"id": "c-1", "object": "chat.completion", "created": 1, "model": "m"}
    return JSONResponse({**body, "choices": [choice], **changes})


def failure(status: int) -> Response:
    """Return an error that holds the key, as OpenAI's may; a retry need not wait."""
    error = {"error": {"message": f"Incorrect API key provided: {KEY}", "code": "x"}}
    return JSONResponse(error, status, {"retry-after-ms": "1"})


async def ask(agent: Agent) -> str:
    """Ask anything."""
    return (await agent.chat([Message(role="user", content="hi")])).content


async def test_the_system_prompt_comes_first(agent: Agent, openai_server: OpenAIServer) -> None:
    """From the declaration, as are model and limits."""
    await ask(agent)
    (asked,) = openai_server.requests
    said = [(message.role, message.content) for message in asked.messages]
    assert said == [("system", CONFIG.system_prompt_template), ("user", "hi")]
    assert (asked.model, asked.max_tokens) == ("test-model", 100)


async def test_an_answer_tells_what_it_cost(agent: Agent, openai_server: OpenAIServer) -> None:
    """Efficiency is the share of the budget left unspent."""
    openai_server.script.append("one two three four five")
    reply = await agent.chat([Message(role="user", content="hi")])
    assert (reply.content, reply.tokens_out) == ("one two three four five", 5)
    assert reply.tokens_in > 0
    assert reply.token_efficiency == pytest.approx(0.95)


@pytest.mark.parametrize("usage", [None, {"prompt_tokens": -5, "completion_tokens": 10**9}])
async def test_efficiency_is_never_nonsense(
    agent: Agent, openai_server: OpenAIServer, usage: dict[str, int] | None
) -> None:
    """Servers leave the usage out, or invent it."""
    counted = usage and {**usage, "total_tokens": 0}
    openai_server.script.append(completion(usage=counted))
    assert 0 <= (await agent.chat([])).token_efficiency <= 1


async def test_an_answer_has_the_shape_asked_for(agent: Agent) -> None:
    """Whatever is asked."""
    assert isinstance((await agent.ask("Is it good?", Verdict)).content, Verdict)


@pytest.mark.parametrize("content", ["", "no json", "{}", '{"good": "who knows", "why": ""}'])
async def test_an_answer_of_another_shape_is_an_error(
    agent: Agent, openai_server: OpenAIServer, content: str
) -> None:
    """Nobody goes on with half of it."""
    openai_server.script.append(completion(content))
    with pytest.raises(ModelAnswerError):
        await agent.ask("Is it good?", Verdict)


@pytest.mark.parametrize(
    "answer",
    [
        completion(None),
        completion(""),
        completion(choices=[]),
        completion(choices=None),
        completion(finish="length"),
        completion(finish="content_filter"),
        completion(None, refusal="I won't."),
        HTMLResponse("<p>gateway</p>"),
        JSONResponse("text"),
        Response(b'{"choices": [', media_type="application/json"),
    ],
)
async def test_what_looks_like_an_answer_and_is_none_is_an_error(
    agent: Agent, openai_server: OpenAIServer, answer: Response
) -> None:
    """The client raises nothing for most of these."""
    openai_server.script.append(answer)
    with pytest.raises(ModelAnswerError):
        await ask(agent)


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (400, ModelRefusedError),
        (401, ModelRefusedError),
        (404, ModelRefusedError),
        (429, ModelUnavailableError),
        (500, ModelUnavailableError),
        (503, ModelUnavailableError),
    ],
)
async def test_errors_are_told_apart_and_hold_no_key(
    agent: Agent, openai_server: OpenAIServer, status: int, error: type[Exception]
) -> None:
    """What may pass is unavailable, what won't is refused."""
    openai_server.script.extend(failure(status) for _ in range(3))
    with pytest.raises(error) as caught:
        await ask(agent)
    assert str(status) in str(caught.value)
    assert KEY not in repr(caught.value)
    assert caught.value.__suppress_context__


async def test_an_error_that_passes_is_not_seen(agent: Agent, openai_server: OpenAIServer) -> None:
    """The client tries again."""
    openai_server.script.extend([failure(429), failure(503), "hello"])
    assert await ask(agent) == "hello"


async def test_an_answer_comes_in_time_or_not_at_all(
    service: FastAPI, openai_server: OpenAIServer
) -> None:
    """One deadline, retries included."""
    declared: AgentSettings = service.state.resources.get(AgentSettings)
    slow = JSONResponse({}, 429, {"retry-after": "30"})
    openai_server.script.append(slow)
    settings = declared.model_copy(update={"agent_seconds": 0.1})
    async with Agent.open(CONFIG, settings) as agent, asyncio.timeout(5):
        with pytest.raises(ModelDeadlineError):
            await ask(agent)


@pytest.fixture
def history(service: FastAPI) -> History:
    """Return a memory of four messages, kept with ETags."""
    declared: StateConfig = service.state.resources.get(StateConfig)
    config = declared.model_copy(update={"use_etag": True})
    return History(StateStore(service.state.resources.get(Sidecar), config), CONFIG)


async def test_a_conversation_is_remembered_in_its_order(history: History) -> None:
    """As the model takes it."""
    await history.add("s-1", "u-1", "question 1", "answer 1")
    await history.add("s-1", "u-1", "question 2", "answer 2")
    said = [(message["role"], message["content"]) for message in await history.messages("s-1")]
    assert said == [
        ("user", "question 1"),
        ("assistant", "answer 1"),
        ("user", "question 2"),
        ("assistant", "answer 2"),
    ]
    assert await history.messages("s-2") == []


@pytest.mark.parametrize(("limit", "kept"), [(1, 2), (2, 2), (3, 2), (4, 4)])
async def test_the_oldest_turns_are_forgotten(service: FastAPI, limit: int, kept: int) -> None:
    """Whole turns: a question stays with its answer."""
    config = CONFIG.model_copy(update={"max_history": limit})
    history = History(service.state.resources.get(StateStore), config)
    for number in range(5):
        await history.add("s-1", "u-1", f"question {number}", f"answer {number}")
    said = await history.messages("s-1")
    assert (len(said), said[0]["role"], said[-1]["content"]) == (kept, "user", "answer 4")


async def test_no_message_is_lost_between_replicas(history: History) -> None:
    """Two that answer one session at the same time."""
    await asyncio.gather(*(history.add("s-1", "u-1", f"q{n}", f"a{n}") for n in range(2)))
    assert len(await history.messages("s-1")) == 4


async def test_a_deleted_conversation_is_gone(history: History) -> None:
    """All of it."""
    await history.add("s-1", "u-1", "question", "answer")
    await history.delete("s-1")
    assert await history.read("s-1") is None


async def test_without_a_key_it_does_not_start(
    service: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variable is named."""
    assert service.state.resources.get(AgentSettings)
    monkeypatch.delenv("OPENAI_API_KEY")
    with pytest.raises(ConfigurationError, match=r"^OPENAI_API_KEY is missing"):
        create_app(features=discover())


def test_a_key_is_not_shown() -> None:
    """Nor by mistake."""
    settings = AgentSettings.model_validate({"openai_api_key": KEY})
    assert KEY not in repr(settings) + json.dumps(settings.model_dump(mode="json"))
