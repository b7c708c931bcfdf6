"""The agent of this service: typed answers, a memory, and typed failures."""

import pytest
from fastapi import FastAPI
from pydantic import BaseModel

from app.agents.client import Agent
from app.agents.errors import ModelAnswerError, ModelRefusedError
from app.agents.history import History
from app.agents.reply import Message, Reply
from app.agents.settings import AgentSettings
from app.core.errors import NotFoundError
from dev.openai import Failure, OpenAIServer
from dev.openai import Reply as Says

QUESTION = Message(role="user", content="What is a list?")


class Answer(BaseModel):
    """An answer in a shape."""

    text: str
    steps: list[str]


@pytest.fixture
def agent(service: FastAPI) -> Agent:
    """Return the service's agent."""
    return service.state.resources.get(Agent)


async def test_an_answer_has_the_shape_asked_for(agent: Agent, openai_server: OpenAIServer) -> None:
    """And tells what it cost; one of another shape is repaired once."""
    openai_server.script.append(Says('{"text": 1}'))
    reply = await agent.ask("What is a list?", Answer)
    assert isinstance(reply.content, Answer)
    assert reply.usage.tokens_out > 0
    openai_server.script += [Says("no json"), Says("no json")]
    with pytest.raises(ModelAnswerError, match="no Answer"):
        await agent.ask("What is a list?", Answer)


async def test_an_answer_comes_in_pieces(agent: Agent) -> None:
    """The whole reply comes last."""
    *pieces, reply = [piece async for piece in agent.stream([QUESTION])]
    assert isinstance(reply, Reply)
    assert len(pieces) > 2
    assert "".join(map(str, pieces)) == reply.content


async def test_a_failure_that_passes_is_tried_again(
    service: FastAPI, agent: Agent, openai_server: OpenAIServer
) -> None:
    """One that stays is an error at once, and holds no key, though the server's words do."""
    openai_server.script.append(Failure(503, retry_after_ms=1))
    assert (await agent.chat([QUESTION])).content
    openai_server.script.append(Failure(401))
    with pytest.raises(ModelRefusedError) as caught:
        await agent.chat([QUESTION])
    key = service.state.resources.get(AgentSettings).openai_api_key.get_secret_value()
    assert key not in str(caught.value)


async def test_a_conversation_is_its_users(service: FastAPI) -> None:
    """It is remembered as it went, until it is deleted."""
    history = service.state.resources.get(History)
    await history.add("s-1", "u-1", "a question", "an answer")
    said = [turn["content"] for turn in await history.messages("s-1", "u-1")]
    assert said == ["a question", "an answer"]
    with pytest.raises(NotFoundError):
        await history.messages("s-1", "u-2")
    await history.delete("s-1", "u-1")
    assert await history.messages("s-1", "u-1") == []
