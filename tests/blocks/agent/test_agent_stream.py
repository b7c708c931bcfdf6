"""Streams: events as they come, a heartbeat, an end that can be told from a cut."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass, field

import httpx2
import pytest
from prometheus_client import REGISTRY
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route

from app.agents.client import Agent
from app.agents.errors import AnswerWithheldError, ModelRefusedError
from app.agents.reply import Message, Reply
from app.agents.sse import Event, EventStream
from app.core.errors import ConflictError
from dev.openai import Failure, OpenAIServer
from dev.serve import HOST, serve

AgentWith = Callable[..., AbstractAsyncContextManager[Agent]]
KEY = "sk-never-to-be-seen-anywhere"
SYSTEM = "You are a helpful assistant. Say so when you don't know."
QUESTION = Message(role="user", content="hi")


@dataclass
class Source:
    """Makes events, and knows what became of them."""

    made: int = 0
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    pause: float = 0.0
    heartbeat: float = 0.05
    patience: float = 60.0
    first: float = 0.0
    error: Exception | None = None
    count: int = 3
    more: str = ""
    """Text in each event: long ones fill the sockets' buffers soon."""

    async def events(self) -> AsyncGenerator[Event]:
        """Yield so many events, then the error."""
        try:
            await asyncio.sleep(self.first)
            for number in range(self.count):
                await asyncio.sleep(self.pause if number else 0)
                self.made += 1
                yield Event("delta", {"content": f"{number}\nü{self.more}"})
            if self.error:
                raise self.error
        finally:
            self.closed.set()


@pytest.fixture
def source() -> Source:
    """Return a source of events."""
    return Source()


@pytest.fixture
async def http(source: Source) -> AsyncGenerator[httpx2.AsyncClient]:
    """Return a client of an application that streams the source."""

    async def stream(_: Request) -> EventStream:
        return EventStream(source.events(), heartbeat=source.heartbeat, patience=source.patience)

    app = Starlette(routes=[Route("/", stream)])
    async with (
        serve(app) as port,
        httpx2.AsyncClient(
            base_url=f"http://{HOST}:{port}", trust_env=False, verify=False, timeout=30
        ) as client,
    ):
        yield client


def parsed(text: str) -> list[tuple[str, object]]:
    """Return type and data of each event, as an EventSource takes them."""
    found: list[tuple[str, object]] = []
    for block in text.split("\n\n"):
        fields = [line.partition(": ") for line in block.splitlines() if not line.startswith(":")]
        read = {name: value for name, _, value in fields}
        if read:
            found.append((read["event"], json.loads(read["data"])))
    return found


async def test_events_are_sent_as_a_stream(http: httpx2.AsyncClient) -> None:
    """No proxy may keep or gather them; line ends are in no data."""
    answer = await http.get("/")
    assert answer.headers["content-type"].startswith("text/event-stream")
    assert answer.headers["cache-control"] == "no-cache"
    assert parsed(answer.text)[0] == ("delta", {"content": "0\nü"})
    assert len(parsed(answer.text)) == 3


async def test_a_silence_is_broken_by_comments(http: httpx2.AsyncClient, source: Source) -> None:
    """So that nobody takes the connection for dead; they are no events."""
    source.pause = 0.2
    answer = await http.get("/")
    assert answer.text.count(": still here\n\n") >= 2
    assert len(parsed(answer.text)) == 3


async def test_a_silence_before_the_first_event_is_broken_too(
    http: httpx2.AsyncClient, source: Source
) -> None:
    """A model may think for long: the answer has begun, and an error then is an event."""
    source.first, source.count, source.error = 0.2, 0, ConflictError("Too late.")
    async with http.stream("GET", "/") as answer:
        assert (answer.status_code, source.closed.is_set()) == (200, False)
        text = "".join([piece async for piece in answer.aiter_text()])
    assert text.startswith(": still here\n\n")
    ((kind, data),) = parsed(text)
    assert (kind, isinstance(data, dict) and data["code"]) == ("error", "conflict")


async def test_an_error_midway_is_an_event(http: httpx2.AsyncClient, source: Source) -> None:
    """With the fields that any error has, and the stream ends as it should."""
    source.error = ConflictError("Too late.")
    kind, data = parsed((await http.get("/")).text)[-1]
    assert kind == "error"
    assert isinstance(data, dict)
    assert (data["code"], data["status"], data["detail"]) == ("conflict", 409, "Too late.")


async def test_a_bug_midway_tells_nothing(http: httpx2.AsyncClient, source: Source) -> None:
    """But that there is one."""
    source.error = ValueError("secret")
    answer = await http.get("/")
    assert parsed(answer.text)[-1][0] == "error"
    assert "secret" not in answer.text


async def test_who_goes_away_stops_the_events(http: httpx2.AsyncClient, source: Source) -> None:
    """Also where none is on its way: nobody waits for the next one."""
    source.pause, source.heartbeat, source.count = 300, 300, 9
    async with http.stream("GET", "/") as answer:
        await anext(answer.aiter_bytes())
    async with asyncio.timeout(10):
        await source.closed.wait()


async def test_a_slow_reader_makes_the_source_wait(
    http: httpx2.AsyncClient, source: Source
) -> None:
    """What waits is limited, by the sockets and by us."""
    source.count, source.more = 10_000, "x" * 100_000
    async with http.stream("GET", "/") as answer:
        await anext(answer.aiter_bytes())
        before = -1
        while before != source.made:
            before = source.made
            await asyncio.sleep(0.2)
        assert source.made < source.count
    async with asyncio.timeout(10):
        await source.closed.wait()


async def test_a_reader_that_takes_nothing_is_not_waited_for_for_ever(
    http: httpx2.AsyncClient, source: Source
) -> None:
    """It keeps no model busy; should it read on, it is told why there is no more."""
    source.count, source.more, source.patience = 10_000, "x" * 100_000, 0.2
    async with http.stream("GET", "/") as answer, asyncio.timeout(30):
        pieces = answer.aiter_text()
        await anext(pieces)
        await source.closed.wait()
        rest = "".join([piece async for piece in pieces])
    assert source.made < source.count
    kind, data = parsed(rest[rest.rindex("event: ") :])[-1]
    assert (kind, isinstance(data, dict) and data["code"]) == ("error", "deadline-exceeded")


async def test_pieces_come_before_the_reply(agent: Agent, openai_server: OpenAIServer) -> None:
    """First an empty one: the server has begun."""
    openai_server.script.append("one two three")
    parts = [part async for part in agent.stream([QUESTION])]
    assert parts[:-1] == ["", "one", " two", " three"]
    reply = parts[-1]
    assert isinstance(reply, Reply)
    assert (reply.content, reply.finish_reason) == ("one two three", "stop")
    assert (reply.usage.tokens_out, reply.usage.estimated) == (3, False)
    assert reply.cost


async def test_an_error_before_the_first_piece_is_one_of_the_call(
    agent: Agent, openai_server: OpenAIServer
) -> None:
    """Nothing was told yet."""
    openai_server.script.append(Failure(403))
    with pytest.raises(ModelRefusedError):
        await anext(agent.stream([QUESTION]))


async def test_a_stream_that_is_closed_stops_the_model(
    agent_with: AgentWith, openai_server: OpenAIServer
) -> None:
    """At once, long before any deadline, and what was heard is paid."""
    stopped = asyncio.Event()

    async def silence() -> AsyncGenerator[bytes]:
        """Say one thing, and nothing more for ever."""
        try:
            yield b'data: {"choices": [{"delta": {"content": "one"}}]}\n\n'
            await asyncio.Event().wait()
        finally:
            stopped.set()

    openai_server.script.append(StreamingResponse(silence(), media_type="text/event-stream"))
    names = ("gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model")
    labels = dict(zip(names, ("chat", "openai", "gpt-4.1-mini"), strict=True))

    def cancelled() -> float:
        name = "gen_ai_client_operation_duration_seconds_count"
        return REGISTRY.get_sample_value(name, {**labels, "error_type": "cancelled"}) or 0

    before = cancelled()
    async with agent_with(agent_seconds=300.0) as agent, asyncio.timeout(30):
        async with aclosing(agent.stream([QUESTION])) as parts:
            assert [await anext(parts), await anext(parts)] == ["", "one"]
            assert not stopped.is_set()
        await stopped.wait()
    assert cancelled() == before + 1


@pytest.mark.parametrize(
    ("leak", "told"),
    [(f"Well, {KEY}", "Well,"), (f"Well, {SYSTEM}", "Well,"), (f"{SYSTEM} Well", "")],
)
async def test_no_piece_holds_what_must_not_be_told(
    agent: Agent, openai_server: OpenAIServer, leak: str, told: str
) -> None:
    """It is held back until it is harmless."""
    openai_server.script.append(leak)
    parts: list[object] = []

    async def hear() -> None:
        async for part in agent.stream([QUESTION]):
            parts.append(part)

    with pytest.raises(AnswerWithheldError):
        await hear()
    heard = "".join(map(str, parts))
    assert heard.startswith(told)
    assert len(heard) < len(told) + 24
    assert "sk-never" not in heard


async def test_what_only_begins_alike_is_told(agent: Agent, openai_server: OpenAIServer) -> None:
    """Whole, and in its order."""
    said = "You are a helpful AI tutor for learning to write: sk-never mind"
    openai_server.script.append(said)
    parts = [part async for part in agent.stream([QUESTION])]
    assert "".join(map(str, parts[:-1])) == said
