"""Tools: the model chooses, code checks and runs."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from app.agents.client import MAX_ROUNDS, Agent
from app.agents.errors import ToolRoundsError
from app.agents.reply import Message
from app.agents.tools import Tools
from app.agents.wire import Function, ToolCall
from app.core.errors import NotFoundError
from dev.openai import Call, OpenAIServer, Reply

AgentWith = Callable[..., AbstractAsyncContextManager[Agent]]
QUESTION = Message(role="user", content="How much is it?")


class Sum(BaseModel):
    """A result."""

    total: int


def add(a: int, b: Annotated[int, Field(le=10)] = 1) -> Sum:
    """Add two numbers."""
    return Sum(total=a + b)


async def find(name: str) -> str:
    """Find something by its name."""
    raise NotFoundError("thing", name)


def broken() -> None:
    """Do nothing right."""
    raise ValueError("secret")


def endless() -> str:
    """Return too much."""
    return "x" * 100_000


TOOLS = Tools(add, find, broken, endless)


async def result(name: str, arguments: str) -> dict[str, object]:
    """Call a tool as a model does."""
    call = ToolCall(id="call-1", function=Function(name=name, arguments=arguments))
    return json.loads(await TOOLS.call(call))


def test_a_tool_is_described_by_its_function() -> None:
    """Name, docstring, types, defaults."""
    first = TOOLS.described[0]["function"]
    assert (first["name"], first.get("description")) == ("add", "Add two numbers.")
    parameters = first.get("parameters", {})
    assert parameters["required"] == ["a"]
    assert parameters["properties"]["b"] == {  # pyright: ignore[reportIndexIssue]
        "default": 1,
        "maximum": 10,
        "title": "B",
        "type": "integer",
    }


async def test_a_result_is_data() -> None:
    """Of any model; defaults are those of the function."""
    assert await result("add", '{"a": 2}') == {"total": 3}


@pytest.mark.parametrize(
    ("name", "arguments", "error"),
    [
        ("add", '{"a": "two"}', "valid integer"),
        ("add", '{"a": 1, "b": 99}', "less than or equal to 10"),
        ("add", '{"a": 1, "c": 1}', "Extra inputs are not permitted"),
        ("add", "{oops", "Invalid JSON"),
        ("add", "{}", "Field required"),
        ("subtract", "{}", "There is no tool 'subtract'."),
        ("find", '{"name": "x"}', "There is no thing 'x'."),
        ("broken", "{}", "The tool failed."),
        ("endless", "{}", "longer than"),
    ],
)
async def test_what_goes_wrong_is_a_result(name: str, arguments: str, error: str) -> None:
    """The model may do better; of a bug it learns nothing."""
    said = await result(name, arguments)
    assert error in str(said["error"])
    assert "secret" not in str(said)


def test_what_can_not_be_called_by_a_model_is_refused() -> None:
    """When the tools are made."""

    def untyped(a) -> None:  # pyright: ignore
        """Take anything."""

    def many(*numbers: int) -> None:
        """Take as many as there are."""

    for function in (untyped, many):  # pyright: ignore
        with pytest.raises(TypeError):
            Tools(function)  # pyright: ignore
    with pytest.raises(ValueError, match="same name"):
        Tools(add, add)


async def test_the_model_is_told_results_until_it_answers(
    agent: Agent, openai_server: OpenAIServer
) -> None:
    """All of its turns are paid."""
    openai_server.script.append(Reply(calls=[Call("add", {"a": 2}), Call("add", {"a": 3})]))
    openai_server.script.append("It is 3 and 4.")
    reply = await agent.chat([QUESTION], tools=TOOLS)
    assert reply.content == "It is 3 and 4."
    first, second = openai_server.requests
    assert len(first.tools or []) == 4
    told = second.messages[len(first.messages) :]
    assert [message.role for message in told] == ["assistant", "tool", "tool"]
    assert [message.text for message in told[1:]] == ['{"total":3}', '{"total":4}']
    calls = told[0].tool_calls or []
    assert [call["id"] for call in calls] == [message.tool_call_id for message in told[1:]]
    assert reply.usage.tokens_out > 5


async def test_rounds_have_an_end(agent: Agent, openai_server: OpenAIServer) -> None:
    """A model that only calls is stopped."""
    openai_server.script.extend(Reply(calls=[Call("add", {"a": 2})]) for _ in range(99))
    with pytest.raises(ToolRoundsError):
        await agent.chat([QUESTION], tools=TOOLS)
    assert len(openai_server.requests) == MAX_ROUNDS + 1
