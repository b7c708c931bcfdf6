"""The embedded OpenAI server, seen by the official client."""

from collections.abc import AsyncGenerator
from typing import Annotated, Literal

import pytest
from openai import AsyncOpenAI, AuthenticationError, NotFoundError
from openai.types.chat import ChatCompletionMessageParam
from pydantic import BaseModel, Field

from dev.openai import OpenAIServer
from dev.serve import HOST, serve

QUESTION: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is a list?"}]
OTHER: list[ChatCompletionMessageParam] = [{"role": "user", "content": "What is a loop?"}]


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
async def openai() -> AsyncGenerator[AsyncOpenAI]:
    """Return a client of a server."""
    async with (
        serve(OpenAIServer().app) as port,
        AsyncOpenAI(base_url=f"http://{HOST}:{port}/v1", api_key="k", max_retries=0) as client,
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


async def test_a_long_answer_is_cut(openai: AsyncOpenAI) -> None:
    """And says so."""
    answer = await openai.chat.completions.create(model="m", messages=QUESTION, max_tokens=3)
    assert answer.choices[0].finish_reason == "length"


async def test_errors_are_those_of_openai(openai: AsyncOpenAI) -> None:
    """So that the client raises what it raises there."""
    with pytest.raises(AuthenticationError):
        await openai.with_options(api_key="").models.list(extra_headers={"Authorization": ""})
    with pytest.raises(NotFoundError):
        await openai.embeddings.create(model="m", input="x")
