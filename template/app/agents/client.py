"""The agent: questions to an OpenAI-compatible model, with one deadline and typed failures."""

import asyncio
import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, Literal, TypedDict, TypeVar, cast

import structlog
from openai import APIConnectionError, APIStatusError, AsyncOpenAI, Omit, OpenAIError, omit
from openai.types.chat import ChatCompletion, ChatCompletionMessageParam
from openai.types.shared_params import ResponseFormatJSONSchema
from prometheus_client import Counter
from pydantic import BaseModel, ValidationError

from app.agents.errors import (
    ModelAnswerError,
    ModelDeadlineError,
    ModelRefusedError,
    ModelUnavailableError,
)
from app.agents.settings import AgentSettings
from app.core.declaration.agent import AgentConfig

log = structlog.get_logger("app.agent")

TOKENS = Counter("agent_tokens_total", "Tokens by direction.", ["direction"])

M = TypeVar("M", bound=BaseModel)
C = TypeVar("C")


class Message(TypedDict):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Reply(Generic[C]):
    """An answer and what it cost."""

    content: C
    tokens_in: int
    tokens_out: int
    token_efficiency: float
    """Share of the request's token budget left unspent, 0–1 (spec section 5)."""


class Agent:
    """One model with the service's system prompt and limits."""

    def __init__(self, client: AsyncOpenAI, config: AgentConfig, settings: AgentSettings) -> None:
        self._client = client
        self._model = settings.openai_model or config.model
        self._max_tokens = settings.max_tokens or config.max_tokens
        self._temperature = config.temperature
        self._system = Message(role="system", content=config.system_prompt_template)
        self._seconds = settings.agent_seconds

    @classmethod
    @asynccontextmanager
    async def open(cls, config: AgentConfig, settings: AgentSettings) -> AsyncGenerator["Agent"]:
        """Open the client, one for the process, and close it at the end."""
        async with AsyncOpenAI(
            api_key=settings.openai_api_key.get_secret_value(),
            base_url=settings.openai_base_url,
            timeout=settings.agent_seconds,
        ) as client:
            yield cls(client, config, settings)

    async def chat(self, messages: Sequence[Message]) -> Reply[str]:
        """Continue a conversation; the system prompt is put in front.

        Raises:
            ModelUnavailableError, ModelDeadlineError, ModelRefusedError, ModelAnswerError
        """
        return await self._complete(messages, None)

    async def ask(self, question: str, answer: type[M]) -> Reply[M]:
        """Ask for an answer of the shape of `answer`. Errors are those of `chat`."""
        reply = await self._complete([Message(role="user", content=question)], answer)
        try:
            content = answer.model_validate_json(reply.content)
        except ValidationError as error:
            raise ModelAnswerError(f"The answer is no {answer.__name__}.") from error
        return Reply(content, reply.tokens_in, reply.tokens_out, reply.token_efficiency)

    async def _complete(
        self, messages: Sequence[Message], shape: type[BaseModel] | None
    ) -> Reply[str]:
        try:
            async with asyncio.timeout(self._seconds):
                completion = await self._client.chat.completions.create(
                    model=self._model,
                    messages=cast("list[ChatCompletionMessageParam]", [self._system, *messages]),
                    temperature=self._temperature,
                    max_tokens=self._max_tokens,
                    response_format=_response_format(shape),
                )
        except TimeoutError as error:
            raise ModelDeadlineError(f"No answer within {self._seconds:g} s.") from error
        except APIConnectionError as error:
            raise ModelUnavailableError from error
        except APIStatusError as error:
            passing = error.status_code in {408, 409, 429} or error.status_code >= 500
            kind = ModelUnavailableError if passing else ModelRefusedError
            # `from None`: the client's message can hold the key
            raise kind(f"The model's server answered {error.status_code}.") from None
        except (OpenAIError, json.JSONDecodeError) as error:
            raise ModelAnswerError(type(error).__name__) from error
        return self._reply(completion)

    def _reply(self, completion: ChatCompletion | str) -> Reply[str]:
        if not isinstance(completion, ChatCompletion) or not completion.choices:
            raise ModelAnswerError("The answer holds no choice.")
        choice = completion.choices[0]
        if choice.finish_reason not in {"stop", "tool_calls"}:
            raise ModelAnswerError(f"The answer ended by '{choice.finish_reason}'.")
        if choice.message.refusal:
            raise ModelAnswerError("The model refused to answer.")
        if not choice.message.content:
            raise ModelAnswerError("The answer is empty.")
        usage = completion.usage
        tokens_in = max(0, usage.prompt_tokens) if usage else 0
        tokens_out = max(0, usage.completion_tokens) if usage else 0
        TOKENS.labels("in").inc(tokens_in)
        TOKENS.labels("out").inc(tokens_out)
        log.info("agent.answered", model=self._model, tokens_in=tokens_in, tokens_out=tokens_out)
        left = 1 - tokens_out / self._max_tokens
        return Reply(choice.message.content, tokens_in, tokens_out, min(1.0, max(0.0, left)))


def _response_format(shape: type[BaseModel] | None) -> ResponseFormatJSONSchema | Omit:
    if shape is None:
        return omit
    # Not strict: strict schemas forbid open dictionaries; the answer is validated here anyway.
    schema = {"name": shape.__name__, "schema": shape.model_json_schema(), "strict": False}
    return cast("ResponseFormatJSONSchema", {"type": "json_schema", "json_schema": schema})
