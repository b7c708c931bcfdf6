"""One request to the model's server: typed failures, one deadline, retries that can't pay twice.

Tried again is what was not answered: refused connections, 408, 409, 429 and 5xx, and connections
that break at once, which the server had closed while they were idle. One that breaks later, or
within the answer, may have been paid for, and is an error.
"""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import Any, TypeVar

import httpx2
import structlog
from openai import APIStatusError, AsyncAPIResponse, AsyncOpenAI, Omit, omit
from openai.types.chat import ChatCompletionMessageParam, ChatCompletionToolParam
from openai.types.chat.completion_create_params import ResponseFormat
from prometheus_client import Counter
from pydantic import BaseModel, ValidationError

from app.agents.errors import (
    ModelAnswerError,
    ModelBrokenError,
    ModelRefusedError,
    ModelUnavailableError,
)
from app.agents.failures import DISCONNECTED, PassingError, wants_other_name, within
from app.agents.peer import Peer
from app.agents.settings import AgentSettings
from app.agents.wire import Chunk, Completion, Events
from app.core.errors import ServiceError

log = structlog.get_logger("app.agent")

RETRIES = Counter("agent_retries_total", "Calls of the model that were repeated.", ["reason"])

OPENAI = "https://api.openai.com/v1"
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
AT_ONCE = 2.0  # seconds after the request
DRAIN = 0.05  # seconds
AROUND = 1_000_000
"""Bytes that an answer may have beside its tokens."""
PER_TOKEN, PER_EVENT = 16, 1024
"""Bytes that a token may have, and that an event of a stream may have, which brings a token."""
TALKATIVE = ("httpcore2", "httpx2", "openai")
"""Loggers that at LOG_LEVEL=debug tell what is sent, and what can't be sent: keys, too."""

Response = AsyncAPIResponse[Any]

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked, with all parameters."""

    model: str
    messages: Sequence[ChatCompletionMessageParam]
    temperature: float
    max_tokens: int
    response_format: ResponseFormat | Omit = omit
    tools: Sequence[ChatCompletionToolParam] | Omit = omit
    session: str | None = None
    """The conversation, for logs and spans; the server is not told."""

    @cached_property
    def size(self) -> int:
        """The length of the prompt in bytes; other scripts than English count for more."""
        given = [part for part in (self.response_format, self.tools) if not isinstance(part, Omit)]
        return len(json.dumps([*self.messages, *given], default=str))


@dataclass
class Sending:
    """How far a call has come."""

    asked: bool = False
    """Whether a request is out, or was, that nobody refused: it may have been paid."""


SENDING = ContextVar[Sending]("SENDING")
"""The call that a request is made for: the pool alone knows when it goes out."""


class ModelServer:
    """An OpenAI-compatible server, through one pool of connections."""

    def __init__(self, client: AsyncOpenAI, retries: int) -> None:
        self.peer = Peer.at(httpx2.URL(str(client.base_url)))
        self._completions = client.chat.completions
        self._beginning = asyncio.Lock()
        self._retries = retries
        self._renamed = False
        """Whether the server wants `max_tokens` to be called `max_completion_tokens`."""

    @classmethod
    @asynccontextmanager
    async def open(cls, settings: AgentSettings) -> AsyncGenerator["ModelServer"]:
        """Open the pool, one for the process, and close it at the end."""
        for name in TALKATIVE:
            logging.getLogger(name).setLevel(max(logging.WARNING, logging.getLogger().level))
        url = httpx2.URL(settings.openai_base_url or OPENAI)
        async with (
            httpx2.AsyncClient(
                timeout=httpx2.Timeout(settings.agent_seconds, connect=5.0),
                limits=httpx2.Limits(
                    max_connections=None,
                    max_keepalive_connections=100,
                    # less than a server's, or a request may meet a connection that is just closed
                    keepalive_expiry=4.0,
                ),
                follow_redirects=False,  # a foreign host would be told what is asked
                event_hooks={"request": [_watched]},
                verify=url.scheme != "http",  # certificates take long to load
                trust_env=url.host not in LOOPBACK,  # no proxy leads to a server on this machine
            ) as http,
            AsyncOpenAI(
                api_key=settings.openai_api_key.get_secret_value(),
                base_url=url.copy_with(query=None),
                default_query=dict(url.params),  # Azure's has its version there
                max_retries=0,  # its own know no deadline, and send again what may be paid
                http_client=http,
            ) as client,
        ):
            yield cls(client, settings.agent_retries)

    async def complete(self, question: Question, deadline: float, sending: Sending) -> Completion:
        """Return the answer by `deadline`, a time of the event loop.

        Raises:
            ModelUnavailableError, ModelDeadlineError, ModelRefusedError, ModelAnswerError
        """
        async with AsyncExitStack() as stack:
            response = await self._answered(stack, question, deadline, sending, stream=False)
            most = AROUND + PER_TOKEN * question.max_tokens
            async with aclosing(_pieces(response, deadline, most)) as pieces:
                body = b"".join([piece async for piece in pieces])
        return _read(Completion, body)

    async def stream(
        self, question: Question, deadline: float, sending: Sending
    ) -> AsyncGenerator[Chunk | None]:
        """Yield None once the server begins, then what it sends; closing it stops the server.

        Raises what `complete` raises.
        """
        async with AsyncExitStack() as stack:
            response = await self._answered(stack, question, deadline, sending, stream=True)
            yield None
            events, most = Events(), AROUND + PER_EVENT * question.max_tokens
            async with aclosing(_pieces(response, deadline, most)) as pieces:
                async for piece in pieces:
                    for data in events.feed(piece):
                        if data == b"[DONE]":
                            await _drained(pieces)
                            return
                        chunk = _read(Chunk, data)
                        if chunk.error:
                            raise ModelBrokenError("The model's server failed midway.")
                        yield chunk

    async def _answered(
        self,
        closing: AsyncExitStack,
        question: Question,
        deadline: float,
        sending: Sending,
        *,
        stream: bool,
    ) -> Response:
        """Send until the server begins to answer."""

        async def send() -> Response:
            renamed = self._renamed
            try:
                return await self._begun(closing, question, renamed=renamed, stream=stream)
            except APIStatusError as error:
                if renamed or not wants_other_name(error):
                    raise
            self._renamed = True
            return await self._begun(closing, question, renamed=True, stream=stream)

        clock = asyncio.get_running_loop().time
        for attempt in count():
            async with self._beginning:  # one in a turn of the loop: each takes milliseconds
                await asyncio.sleep(0)
            started = clock()
            SENDING.set(sending)
            try:
                return await within(deadline, send)
            except ModelRefusedError:
                sending.asked = False
                raise
            except PassingError as error:
                failure = error
            except ModelBrokenError as error:
                if clock() - started > AT_ONCE:
                    raise
                failure = PassingError(error.detail, DISCONNECTED)
            sending.asked = False
            wait = failure.wait(attempt)
            if attempt >= self._retries or wait >= deadline - clock():
                raise ModelUnavailableError(failure.detail, failure.retry_after)
            RETRIES.labels(failure.reason).inc()
            log.warning("agent.retried", reason=failure.reason, wait_seconds=round(wait, 2))
            await asyncio.sleep(wait)
        raise AssertionError("counting has no end")

    async def _begun(
        self, closing: AsyncExitStack, question: Question, *, renamed: bool, stream: bool
    ) -> Response:
        """Send once; `renamed` is the limit's newer name."""
        response = self._completions.with_streaming_response.create(
            model=question.model,
            messages=question.messages,
            temperature=question.temperature,
            max_tokens=omit if renamed else question.max_tokens,
            max_completion_tokens=question.max_tokens if renamed else omit,
            response_format=question.response_format,
            tools=question.tools,
            stream=stream,
            stream_options={"include_usage": True} if stream else omit,
        )
        return await closing.enter_async_context(response)


async def _watched(request: httpx2.Request) -> None:
    """Note when a request goes out: one that still waits for a connection has cost nothing."""
    sending = SENDING.get()

    async def note(event: str, about: Mapping[str, Any]) -> None:
        # a proxy is sent a CONNECT first
        if event.endswith("send_request_headers.started") and about["request"].method == b"POST":
            sending.asked = True

    request.extensions["trace"] = note


def _read(kind: type[M], sent: bytes) -> M:
    try:
        return kind.model_validate_json(sent)
    except ValidationError:
        raise ModelAnswerError("The model's server sent no completion.") from None


async def _pieces(response: Response, deadline: float, most: int) -> AsyncGenerator[bytes]:
    """Yield what is sent; an answer without an end fills no memory."""
    pieces = response.iter_bytes()
    while piece := await within(deadline, lambda: anext(pieces, b"")):
        most -= len(piece)
        if most < 0:
            raise ModelAnswerError("The model's server sends more than an answer can be.")
        yield piece


async def _drained(pieces: AsyncIterator[bytes]) -> None:
    """Read what comes after the last event, if it comes at once: else the connection is lost."""
    with suppress(TimeoutError, ServiceError):
        async with asyncio.timeout(DRAIN):
            async for _ in pieces:
                pass
