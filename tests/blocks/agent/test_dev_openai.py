"""The embedded OpenAI server, seen by the official client."""

import asyncio
import json
from collections.abc import AsyncGenerator
from os import environ
from pathlib import Path
from typing import Annotated, Literal, cast

import pytest
from httpx2 import AsyncClient
from openai import AsyncOpenAI, AuthenticationError, NotFoundError, RateLimitError
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.chat.completion_create_params import ResponseFormat
from pydantic import BaseModel, Field

from app.core import declaration
from app.core.declaration.agent import AgentConfig
from dev.openai import Call, Failure, OpenAIServer, Raw, Reply
from dev.serve import HOST, serve

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is a list?"}]
OTHER: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is a loop?"}]


ADD: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "add",
        "parameters": {
            "type": "object",
            "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
            "required": ["a", "b"],
        },
    },
}


class Part(BaseModel):
    """A part, with parts."""

    kind: Literal["small", "large"]
    score: Annotated[float, Field(ge=0, le=1)]
    parts: list["Part"]


class Shape(BaseModel):
    """A shape with a bit of everything."""

    title: str
    note: str | None
    count: Annotated[int, Field(gt=2, lt=4)]
    parts: Annotated[list[Part], Field(min_length=3)]


@pytest.fixture
def server() -> OpenAIServer:
    """Return a server."""
    return OpenAIServer()


@pytest.fixture
async def openai(server: OpenAIServer) -> AsyncGenerator[AsyncOpenAI]:
    """Return a client of the server."""
    async with (
        serve(server.app) as port,
        AsyncClient(trust_env=False, verify=False) as http,
        AsyncOpenAI(
            base_url=f"http://{HOST}:{port}/v1", api_key="k", max_retries=0, http_client=http
        ) as client,
    ):
        yield client


async def test_an_answer_depends_on_the_question_alone(openai: AsyncOpenAI) -> None:
    """And speaks of it; its length is counted."""
    first, second, other = [
        await openai.chat.completions.create(model="m", messages=asked)
        for asked in (QUESTION, QUESTION, OTHER)
    ]
    text = first.choices[0].message.content or ""
    assert "What is a list?" in text
    assert text == second.choices[0].message.content != other.choices[0].message.content
    assert first.usage
    assert first.usage.total_tokens > first.usage.prompt_tokens > 0


async def test_an_answer_is_streamed(openai: AsyncOpenAI) -> None:
    """Piece by piece, then why it ended, then what it cost."""
    whole = await openai.chat.completions.create(model="m", messages=QUESTION)
    stream = await openai.chat.completions.create(
        model="m", messages=QUESTION, stream=True, stream_options={"include_usage": True}
    )
    chunks = [chunk async for chunk in stream]
    pieces = [chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices]
    assert "".join(pieces) == whole.choices[0].message.content
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage == whole.usage


async def test_an_answer_has_the_shape_that_was_asked_for(openai: AsyncOpenAI) -> None:
    """Whatever the schema demands."""
    answer = await openai.chat.completions.parse(
        model="m", messages=QUESTION, response_format=Shape
    )
    parsed = answer.choices[0].message.parsed
    assert parsed
    assert "What is a list?" in parsed.title


async def test_its_own_answers_fit(openai: AsyncOpenAI) -> None:
    """Whatever the limit: a service's tests pass with any."""
    for shape in ({"type": "text"}, {"type": "json_object"}):
        answer = await openai.chat.completions.create(
            model="m",
            messages=QUESTION,
            max_tokens=3,
            response_format=cast("ResponseFormat", shape),
        )
        assert answer.choices[0].finish_reason == "stop"


async def test_a_scripted_answer_is_cut(openai: AsyncOpenAI, server: OpenAIServer) -> None:
    """And says so."""
    server.script.append("one two three four")
    answer = await openai.chat.completions.create(model="m", messages=QUESTION, max_tokens=3)
    assert (answer.choices[0].message.content, answer.choices[0].finish_reason) == (
        "one two three",
        "length",
    )


async def test_tools_are_called_with_valid_arguments(openai: AsyncOpenAI) -> None:
    """Where the question names one; its result is told on."""
    asked: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What does add say?"}]
    answer = await openai.chat.completions.create(model="m", messages=asked, tools=[ADD])
    (call,) = answer.choices[0].message.tool_calls or []
    assert call.type == "function"
    assert (answer.choices[0].finish_reason, call.function.name) == ("tool_calls", "add")
    assert set(json.loads(call.function.arguments)) == {"a", "b"}
    asked.append({"role": "assistant", "tool_calls": [call.to_dict()]})  # pyright: ignore
    asked.append({"role": "tool", "tool_call_id": call.id, "content": "42"})
    answer = await openai.chat.completions.create(model="m", messages=asked, tools=[ADD])
    assert "42" in (answer.choices[0].message.content or "")


async def test_a_tool_may_be_demanded_or_forbidden(openai: AsyncOpenAI) -> None:
    """By `tool_choice`."""
    demanded = await openai.chat.completions.create(
        model="m", messages=QUESTION, tools=[ADD], tool_choice="required"
    )
    assert demanded.choices[0].message.tool_calls
    free = await openai.chat.completions.create(model="m", messages=QUESTION, tools=[ADD])
    assert not free.choices[0].message.tool_calls


async def test_calls_are_streamed(openai: AsyncOpenAI, server: OpenAIServer) -> None:
    """In pieces that the official client puts together."""
    server.script.append(
        Reply("Well.", calls=[Call("add", {"a": 1, "b": 2}), Call("add", "{oops")])
    )
    asked = openai.chat.completions.stream(model="m", messages=QUESTION, tools=[ADD])
    async with asked as stream:
        pieces = [event async for event in stream if event.type == "chunk"]
        whole = (await stream.get_final_completion()).choices[0]
    found = [call.function for call in whole.message.tool_calls or []]
    assert [(call.name, call.arguments) for call in found] == [
        ("add", '{"a": 1, "b": 2}'),
        ("add", "{oops"),
    ]
    assert (whole.finish_reason, whole.message.content) == ("tool_calls", "Well.")
    assert len(pieces) > 10


async def test_failures_are_scripted(openai: AsyncOpenAI, server: OpenAIServer) -> None:
    """With the headers that a server sends; a 401 holds the key, as OpenAI's does."""
    server.script.extend([Failure(429, retry_after="7"), Failure(401)])
    with pytest.raises(RateLimitError) as limited:
        await openai.chat.completions.create(model="m", messages=QUESTION)
    assert limited.value.response.headers["retry-after"] == "7"
    with pytest.raises(AuthenticationError, match="Incorrect API key provided: k"):
        await openai.chat.completions.create(model="m", messages=QUESTION)


async def test_who_goes_away_is_noticed(openai: AsyncOpenAI, server: OpenAIServer) -> None:
    """Tests look at it to see that a model is stopped."""
    server.script.append(Reply("one two three " * 1000, drip=0.02))
    stream = await openai.chat.completions.create(model="m", messages=QUESTION, stream=True)
    await anext(stream)
    assert (server.open, server.abandoned) == (1, 0)
    await stream.close()
    async with asyncio.timeout(10):
        while server.open:  # noqa: ASYNC110 - the server offers no event
            await asyncio.sleep(0.01)
    assert server.abandoned == 1


async def test_models_are_listed(openai: AsyncOpenAI) -> None:
    """Any other is there, too."""
    await openai.chat.completions.create(model="m", messages=QUESTION)
    assert [model.id async for model in openai.models.list()] == ["gpt-4o-mini", "m"]
    assert (await openai.models.retrieve("ft:m/1")).id == "ft:m/1"


@pytest.mark.usefixtures("companions")
async def test_the_service_finds_its_model() -> None:
    """The declared one is listed, as a model's server lists what it has."""
    declared = declaration.load(Path("app/service.yaml")).section(AgentConfig).model
    async with AsyncClient(trust_env=False, verify=False) as http:
        openai = AsyncOpenAI(http_client=http)
        listed = [model.id async for model in openai.models.list()]
    assert listed == [environ.get("OPENAI_MODEL") or declared]


async def test_a_script_is_written_over_http(openai: AsyncOpenAI, server: OpenAIServer) -> None:
    """With the fields that it has in Python; what can't be meant is refused, and nothing added."""
    script: list[object] = ["hello", {"content": "hi", "finish": "length"}]
    script.append({"status": 429, "retry_after": "7"})
    script.append({"calls": [{"name": "add", "arguments": {"a": 1}}], "wait": 0.01})
    script.append({"body": '{"choices": []}'})
    url = f"{openai.base_url}".replace("/v1/", "/script")
    async with AsyncClient(trust_env=False, verify=False) as http:
        for wrong in ([{"contnet": "hi"}], {"content": "hi"}, ["hello", {"end": "never"}]):
            assert (await http.post(url, json=wrong)).status_code == 400
        assert (await http.post(url, json=script)).json() == {"waiting": 5}
    assert [*server.script] == [
        "hello",
        Reply("hi", finish="length"),
        Failure(429, retry_after="7"),
        Reply(calls=[Call("add", {"a": 1})], wait=0.01),
        Raw('{"choices": []}'),
    ]
    said = await openai.chat.completions.create(model="m", messages=QUESTION)
    assert said.choices[0].message.content == "hello"


async def test_a_body_is_sent_as_it_is(openai: AsyncOpenAI, server: OpenAIServer) -> None:
    """Whatever it is."""
    server.script.extend([Raw('{"choices": []}'), Raw("data: {oops\n\n", "text/event-stream")])
    said = await openai.chat.completions.create(model="m", messages=QUESTION)
    assert said.choices == []
    stream = await openai.chat.completions.create(model="m", messages=QUESTION, stream=True)
    with pytest.raises(json.JSONDecodeError):
        await anext(stream)


async def test_errors_are_those_of_openai(openai: AsyncOpenAI) -> None:
    """So that the client raises what it raises there."""
    with pytest.raises(AuthenticationError):
        await openai.with_options(api_key="").models.list(extra_headers={"Authorization": ""})
    with pytest.raises(NotFoundError):
        await openai.embeddings.create(model="m", input="x")
