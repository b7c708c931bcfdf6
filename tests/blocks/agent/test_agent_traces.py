"""Spans and log lines of calls, by OpenTelemetry's conventions for generative AI."""

import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from httpx2 import URL
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    NonRecordingSpan,
    NoOpTracer,
    Span,
    SpanKind,
    StatusCode,
)
from structlog.testing import capture_logs

from app.agents import traces
from app.agents.client import Agent
from app.agents.errors import ModelRefusedError
from app.agents.peer import Peer
from app.agents.reply import Message
from app.agents.tools import Tools
from dev.openai import Call, Failure, OpenAIServer, Reply

AgentWith = Callable[..., AbstractAsyncContextManager[Agent]]
SECRET = [Message(role="user", content="my secret")]


class Kept(NonRecordingSpan):
    """A span that stays to be looked at."""

    def __init__(self, name: str, kind: SpanKind, attributes: dict[str, Any]) -> None:
        super().__init__(INVALID_SPAN_CONTEXT)
        self.name, self.kind, self.attributes = name, kind, attributes
        self.status: StatusCode | None = None
        self.ended = False

    def set_attribute(self, key: str, value: Any) -> None:
        """Keep one more."""
        self.attributes[key] = value

    def set_status(self, status: Any, description: str | None = None) -> None:
        """Keep it."""
        self.status = status

    def end(self, end_time: int | None = None) -> None:
        """Keep that."""
        self.ended = True


class Tracer(NoOpTracer):
    """Keeps spans."""

    def __init__(self) -> None:
        self.spans: list[Kept] = []

    def start_span(
        self,
        name: str,
        context: Any = None,
        kind: SpanKind = SpanKind.INTERNAL,
        attributes: Any = None,
        *_: Any,
        **__: Any,
    ) -> Span:
        """Begin one."""
        self.spans.append(Kept(name, kind, dict(attributes or {})))
        return self.spans[-1]


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> list[Kept]:
    """Return the spans of the calls that follow."""
    tracer = Tracer()
    monkeypatch.setattr(traces, "TRACER", tracer)
    return tracer.spans


def add(a: int) -> int:
    """Add one."""
    return a + 1


@pytest.mark.parametrize("stream", [False, True])
async def test_a_call_is_a_span(
    agent: Agent, openai_server: OpenAIServer, spans: list[Kept], stream: bool
) -> None:
    """A client's, with the model that was asked and the one that answered, tokens, and the end."""
    usage = {
        "prompt_tokens": 9,
        "completion_tokens": 2,
        "prompt_tokens_details": {"cached_tokens": 4},
    }
    openai_server.script.append(Reply("hi", usage=usage, model="gpt-4.1-mini-2025-04-14"))
    if stream:
        _ = [part async for part in agent.stream(SECRET, session="s-1")]
    else:
        await agent.chat(SECRET, session="s-1")
    (span,) = spans
    assert (span.name, span.kind, span.ended) == ("chat gpt-4.1-mini", SpanKind.CLIENT, True)
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.conversation.id": "s-1",
        "server.address": "127.0.0.1",
        "gen_ai.request.model": "gpt-4.1-mini",
        "gen_ai.request.max_tokens": 100,
        "gen_ai.response.model": "gpt-4.1-mini-2025-04-14",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.usage.input_tokens": 9,
        "gen_ai.usage.output_tokens": 2,
        "gen_ai.usage.cache_read.input_tokens": 4,
        "gen_ai.output.type": "text",
    }
    assert told.items() <= span.attributes.items()
    assert span.attributes["server.port"] > 1024
    assert "error.type" not in span.attributes
    assert "secret" not in str(span.attributes)


@pytest.mark.parametrize(
    ("url", "peer"),
    [
        ("https://api.openai.com/v1/", Peer("openai", "api.openai.com", 443)),
        (
            "https://mine.openai.azure.com/openai/v1/",
            Peer("azure.ai.openai", "mine.openai.azure.com", 443),
        ),
        ("https://api.mistral.ai/v1/", Peer("mistral_ai", "api.mistral.ai", 443)),
        ("http://localhost:8081/v1/", Peer("openai", "localhost", 8081)),
        ("http://notopenai.azure.com.test/", Peer("openai", "notopenai.azure.com.test", 80)),
    ],
)
def test_the_provider_is_told_by_its_host(url: str, peer: Peer) -> None:
    """Where it is known; who else speaks OpenAI's protocol goes by that name."""
    assert Peer.at(URL(url)) == peer


async def test_a_failed_call_says_why(
    agent: Agent, openai_server: OpenAIServer, spans: list[Kept]
) -> None:
    """By the error's code."""
    openai_server.script.append(Failure(401))
    with pytest.raises(ModelRefusedError):
        await agent.chat(SECRET)
    assert spans[0].status == StatusCode.ERROR
    assert spans[0].attributes["error.type"] == "model-refused"


async def test_a_tool_is_a_span(
    agent: Agent, openai_server: OpenAIServer, spans: list[Kept]
) -> None:
    """Between those of the calls; one that fails says so."""
    calls = [Call("add", {"a": 1}), Call("subtract")]
    openai_server.script.extend([Reply(calls=calls), "It is 2."])
    await agent.chat(SECRET, tools=Tools(add))
    _, added, unknown, _ = spans
    assert (added.name, unknown.name) == ("execute_tool add", "execute_tool unknown")
    assert added.attributes["gen_ai.operation.name"] == "execute_tool"
    assert "error.type" not in added.attributes
    assert unknown.attributes["error.type"] == "unknown"


async def test_what_was_said_is_told_if_somebody_asks_for_it(
    agent_with: AgentWith, openai_server: OpenAIServer, spans: list[Kept]
) -> None:
    """In the conventions' shape, in span and log alike."""
    openai_server.script.extend([Reply(calls=[Call("add", {"a": 1})]), "It is 2."])
    setting = {"otel_instrumentation_genai_capture_message_content": True}
    async with agent_with(**setting) as agent:
        with capture_logs() as logs:
            await agent.chat(SECRET, tools=Tools(add))
    last = spans[-1].attributes
    system, user, called, result = json.loads(last["gen_ai.input.messages"])
    assert system["role"] == "system"
    assert user == {"role": "user", "parts": [{"type": "text", "content": "my secret"}]}
    assert (called["parts"][0]["type"], called["parts"][0]["name"]) == ("tool_call", "add")
    assert (result["role"], result["parts"][0]["response"]) == ("tool", "2")
    answer = {"role": "assistant", "parts": [{"type": "text", "content": "It is 2."}]}
    assert json.loads(last["gen_ai.output.messages"]) == [answer | {"finish_reason": "stop"}]
    lines = [line for line in logs if line["event"] == "agent.answered"]
    assert last.items() <= lines[-1].items()
