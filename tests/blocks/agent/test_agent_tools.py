"""Tools: the model chooses, code checks and runs."""

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from contextvars import ContextVar
from typing import Annotated

import pytest
from pydantic import BaseModel, Field

from app.agents.client import MAX_ROUNDS, Agent
from app.agents.errors import ModelAnswerError, ModelDeadlineError, ToolRoundsError
from app.agents.reply import Message, Reply
from app.agents.tools import Tools
from app.agents.wire import CallPiece, Calls, Function, FunctionPiece, ToolCall
from app.core.errors import NotFoundError
from dev.openai import Call, OpenAIServer
from dev.openai import Reply as Says

AgentWith = Callable[..., AbstractAsyncContextManager[Agent]]
Ask = Callable[[Agent], Awaitable[Reply[str]]]
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


def empty() -> str:
    """Return the first of nothing."""
    return next(iter(()))


def strange() -> object:
    """Return what is no JSON."""
    return object()


def half() -> str:
    """Return half a character."""
    return "\ud800"


TOOLS = Tools(add, find, broken, endless, empty, strange, half)


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
        ("empty", "{}", "The tool failed."),
        ("strange", "{}", "The tool failed."),
        ("half", "{}", "The tool failed."),
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


async def at_once(agent: Agent) -> Reply[str]:
    """Ask with tools."""
    return await agent.chat([QUESTION], tools=TOOLS)


async def streamed(agent: Agent) -> Reply[str]:
    """Ask with tools, and read the stream to its end."""
    *pieces, reply = [part async for part in agent.stream([QUESTION], tools=TOOLS)]
    assert isinstance(reply, Reply)
    assert pieces.pop(0) == ""
    assert all(pieces)
    assert "".join(map(str, pieces)) == reply.content
    return reply


@pytest.mark.parametrize("ask", [at_once, streamed])
async def test_the_model_is_told_results_until_it_answers(
    ask: Ask, agent: Agent, openai_server: OpenAIServer
) -> None:
    """All of its turns are paid, and what it says between is told."""
    calls = [Call("add", {"a": 2}), Call("add", '{"a": "three"}')]
    openai_server.script.extend([Says("One moment.", calls=calls), "It is 3."])
    reply = await ask(agent)
    assert reply.content == "One moment.\n\nIt is 3."
    assert (reply.finish_reason, reply.usage.estimated) == ("stop", False)
    first, second = openai_server.requests
    assert len(first.tools or []) == 7
    told = second.messages[len(first.messages) :]
    assert [message.role for message in told] == ["assistant", "tool", "tool"]
    results = [json.loads(message.text) for message in told[1:]]
    assert results[0] == {"total": 3}
    assert "valid integer" in results[1]["error"]
    asked = told[0].tool_calls or []
    assert [call["id"] for call in asked] == [message.tool_call_id for message in told[1:]]
    assert [call["function"]["arguments"] for call in asked] == ['{"a": 2}', '{"a": "three"}']
    assert reply.usage.tokens_out > 15


@pytest.mark.parametrize("ask", [at_once, streamed])
async def test_rounds_have_an_end(
    ask: Ask, agent: Agent, openai_server: OpenAIServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that only calls is stopped; calls whose results it would not be told are not made."""
    openai_server.script.extend(Says(calls=[Call("add", {"a": 2})]) for _ in range(99))
    made: list[ToolCall] = []

    async def call(call: ToolCall) -> str:
        made.append(call)
        return "{}"

    monkeypatch.setattr(TOOLS, "call", call)
    with pytest.raises(ToolRoundsError):
        await ask(agent)
    assert len(openai_server.requests) == MAX_ROUNDS + 1
    assert len(made) == MAX_ROUNDS


@pytest.mark.parametrize("name", ["waiting", "blocking"])
async def test_tools_end_with_the_deadline(
    agent_with: AgentWith, openai_server: OpenAIServer, name: str
) -> None:
    """One deadline, tools included; those that block are waited for no longer."""
    released = threading.Event()

    async def waiting() -> None:
        """Wait."""
        await asyncio.Event().wait()

    def blocking() -> None:
        """Block."""
        released.wait(60)

    openai_server.script.append(Says(calls=[Call(name)]))
    async with agent_with(agent_seconds=0.3) as agent, asyncio.timeout(30):
        with pytest.raises(ModelDeadlineError):
            await agent.chat([QUESTION], tools=Tools(waiting, blocking))
    assert not released.is_set()
    released.set()


async def test_a_tool_that_blocks_stops_nobody_else() -> None:
    """It runs in a thread, where the context of the request is, too."""
    loop, begun, released = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
    said = ContextVar("said", default="nothing")
    said.set("hello")

    def block() -> str:
        """Block until the loop says so."""
        loop.call_soon_threadsafe(begun.set)
        return said.get() if released.wait(60) else "nobody came"

    call = ToolCall(id="call-1", function=Function(name="block"))
    calling = asyncio.create_task(Tools(block).call(call))
    await begun.wait()
    released.set()
    assert await calling == '"hello"'


async def test_calls_without_tools_are_no_answer(agent: Agent, openai_server: OpenAIServer) -> None:
    """Nobody would run them."""
    openai_server.script.extend([Says(calls=[Call("add", {"a": 2})])] * 2)
    with pytest.raises(ModelAnswerError):
        await agent.chat([QUESTION])
    with pytest.raises(ModelAnswerError):
        _ = [part async for part in agent.stream([QUESTION])]


def test_calls_come_in_pieces() -> None:
    """In any order; some servers leave the index out and send each call whole."""
    calls = Calls()
    for index, name, arguments in [(1, "b", "{"), (0, "a", ""), (1, None, "}"), (0, None, "[]")]:
        function = FunctionPiece(name=name, arguments=arguments)
        calls.feed(CallPiece(index=index, id=name, function=function))
    for name in ("c", "d"):
        calls.feed(CallPiece(id=name, function=FunctionPiece(name=name, arguments="{")))
        calls.feed(CallPiece(function=FunctionPiece(arguments="}")))
    found = [(call.id, call.function.name, call.function.arguments) for call in calls.whole]
    assert found == [("a", "a", "[]"), ("b", "b", "{}"), ("c", "c", "{}"), ("d", "d", "{}")]
