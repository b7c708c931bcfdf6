"""The agent: questions to an OpenAI-compatible model, with one deadline and typed failures."""

import asyncio
import json
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager
from functools import cache
from hashlib import sha256
from typing import TypeVar, cast

from openai import omit
from openai.types.chat import ChatCompletionMessageParam
from openai.types.shared_params import ResponseFormatJSONSchema
from pydantic import BaseModel, JsonValue, ValidationError

from app.agents.bill import Bill
from app.agents.errors import AnswerCutError, AnswerWithheldError, ModelAnswerError, ToolRoundsError
from app.agents.guard import Guard, Watch
from app.agents.ledger import Ledger
from app.agents.reply import Message, Reply
from app.agents.server import ModelServer, Question
from app.agents.settings import AgentSettings
from app.agents.tools import Tools
from app.agents.usage import PriceTable, Usage
from app.agents.wire import Said
from app.core.declaration.agent import AgentConfig

MAX_ROUNDS = 5
"""How often a model may call tools before it must answer."""
MAX_REPEATED = 8_000
"""Characters of an answer of the wrong shape that the model is shown again."""

C = TypeVar("C")
M = TypeVar("M", bound=BaseModel)


class Agent:
    """One model with the service's system prompt and limits.

    Every method raises ModelUnavailableError, ModelDeadlineError, ModelRefusedError or
    ModelAnswerError; with a `user`, whose account is charged, BudgetError too.
    """

    def __init__(
        self,
        server: ModelServer,
        config: AgentConfig,
        settings: AgentSettings,
        *,
        prices: PriceTable,
        ledger: Ledger | None = None,
    ) -> None:
        self._server = server
        self._prices = prices
        self._ledger = ledger
        self._model = settings.openai_model or config.model
        self._max_tokens = settings.max_tokens or config.max_tokens
        self._temperature = config.temperature
        self._system = config.system_prompt_template
        self._seconds = settings.agent_seconds
        self._guard = Guard(settings.openai_api_key.get_secret_value(), self._system)
        self._whole = settings.otel_instrumentation_genai_capture_message_content

    @classmethod
    @asynccontextmanager
    async def open(
        cls, config: AgentConfig, settings: AgentSettings, ledger: Ledger | None = None
    ) -> AsyncGenerator["Agent"]:
        """Open the connections to the model's server and close them at the end."""
        prices = PriceTable.load(settings.agent_prices)
        async with ModelServer.open(settings) as server:
            yield cls(server, config, settings, prices=prices, ledger=ledger)

    async def chat(
        self, messages: Sequence[Message], *, user: str | None = None, tools: Tools | None = None
    ) -> Reply[str]:
        """Continue a conversation; the system prompt is put in front.

        With tools, the model may have them called, in five rounds at most.
        """
        await self._admit(user)
        deadline, said = self._deadline(), self._with_system(messages)
        bills: list[Bill] = []
        for _ in range(MAX_ROUNDS + 1):
            message = await self._turn(self._question(said, tools=tools), deadline, user, bills)
            if not (tools and message.tool_calls):
                return self._reply(message.content or "", bills)
            said.append(_calling(message))
            for call in message.tool_calls:
                async with asyncio.timeout_at(deadline):
                    result = await tools.call(call)
                said.append({"role": "tool", "tool_call_id": call.id, "content": result})
        raise ToolRoundsError(f"The model called tools more than {MAX_ROUNDS} times.")

    async def ask(self, question: str, answer: type[M], *, user: str | None = None) -> Reply[M]:
        """Ask for an answer of the shape of `answer`; one of another shape is repaired once."""
        await self._admit(user)
        deadline = self._deadline()
        said = self._with_system([Message(role="user", content=question)])
        bills: list[Bill] = []
        while True:
            turn = await self._turn(self._question(said, shape=answer), deadline, user, bills)
            content = turn.content or ""
            try:
                found = answer.model_validate_json(_unfenced(content))
            except ValidationError as error:
                if len(bills) > 1:
                    raise ModelAnswerError(f"The answer is no {answer.__name__}.") from None
                said.append({"role": "assistant", "content": content[:MAX_REPEATED]})
                said.append({"role": "user", "content": _complaint(error)})
            else:
                self._guard.check("\n".join(_texts(found.model_dump(mode="json"))))
                return self._reply(found, bills)

    async def stream(
        self, messages: Sequence[Message], *, user: str | None = None
    ) -> AsyncGenerator[str | Reply[str]]:
        """Continue a conversation piece by piece; the whole reply comes last.

        The first piece is empty: the server has begun. An error before it is one of the call, an
        error after it one of an answer that was begun. Closing the generator stops the model.
        """
        await self._admit(user)
        question, watch = self._question(self._with_system(messages)), Watch(self._guard)
        with self._bill(question, user) as bill:
            async with aclosing(self._server.stream(question, self._deadline())) as chunks:
                async for chunk in chunks:
                    told = watch.tell(bill.streamed(chunk)) if chunk else ""
                    if told or chunk is None:
                        yield told
            self._usable(bill.said, bill.finish)
            if rest := watch.rest():
                yield rest
        yield self._reply(bill.said.content or "", [bill])

    def version(self, question: str, answer: type[BaseModel]) -> str:
        """Return a name of what is asked: model, prompts, shape; another one for another of them.

        Part of the keys of answers that are kept.
        """
        told = [self._model, self._system, question, _schema(answer), self._temperature]
        return sha256(json.dumps(told).encode()).hexdigest()[:12]

    async def _admit(self, user: str | None) -> None:
        if user and self._ledger:
            await self._ledger.check(user)

    async def _turn(
        self, question: Question, deadline: float, user: str | None, bills: list[Bill]
    ) -> Said:
        """Ask once; the bill is appended."""
        with self._bill(question, user) as bill:
            bills.append(bill)
            message = bill.completed(await self._server.complete(question, deadline))
            self._usable(message, bill.finish)
            self._guard.check(message.content or "")
        return message

    def _usable(self, message: Said, finish: str | None) -> None:
        """Raise for what looks like an answer and is none."""
        if finish == "length":
            raise AnswerCutError(f"The answer is longer than {self._max_tokens} tokens.")
        if finish is None:
            raise AnswerCutError("The answer ended before its end.")
        if finish == "content_filter":
            raise AnswerWithheldError("The model's server filtered the answer.")
        if message.refusal:
            raise AnswerWithheldError("The model refused to answer.")
        if not (message.content or message.tool_calls):
            raise ModelAnswerError("The answer is empty.")

    def _reply(self, content: C, bills: Sequence[Bill]) -> Reply[C]:
        usage = sum((bill.usage for bill in bills), Usage())
        costs = [bill.cost for bill in bills]
        left = 1 - usage.tokens_out / self._max_tokens
        return Reply(
            content,
            usage=usage,
            cost=None if None in costs else sum(cost or 0.0 for cost in costs),
            token_efficiency=min(1.0, max(0.0, left)),
            model=bills[-1].model or self._model,
            finish_reason=bills[-1].finish or "stop",
        )

    def _bill(self, question: Question, user: str | None) -> Bill:
        def settle(usage: Usage, cost: float | None) -> None:
            if user and self._ledger:
                self._ledger.settle(user, usage, cost)

        return Bill(question, self._prices, settle, whole=self._whole)

    def _question(
        self,
        said: Sequence[ChatCompletionMessageParam],
        *,
        shape: type[BaseModel] | None = None,
        tools: Tools | None = None,
    ) -> Question:
        return Question(
            model=self._model,
            messages=said,
            temperature=self._temperature,
            max_tokens=self._max_tokens,
            response_format=_schema(shape) if shape else omit,
            tools=tools.described if tools else omit,
        )

    def _with_system(self, messages: Sequence[Message]) -> list[ChatCompletionMessageParam]:
        said = [Message(role="system", content=self._system), *messages]
        return cast("list[ChatCompletionMessageParam]", said)

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._seconds


@cache
def _schema(shape: type[BaseModel]) -> ResponseFormatJSONSchema:
    # Not strict: strict schemas forbid open dictionaries; the answer is validated here anyway.
    schema = {"name": shape.__name__, "schema": shape.model_json_schema(), "strict": False}
    return cast("ResponseFormatJSONSchema", {"type": "json_schema", "json_schema": schema})


def _unfenced(content: str) -> str:
    """Return JSON without the code fence that models like to put around it."""
    text = content.strip()
    if text.startswith("```") and text.endswith("```"):
        return text.removeprefix("```json").strip("`").strip()
    return text


def _complaint(error: ValidationError) -> str:
    found = error.errors(include_url=False, include_input=False, include_context=False)[:10]
    listed = [f"- {'.'.join(map(str, item['loc'])) or 'all'}: {item['msg']}" for item in found]
    return "\n".join(["That is not the JSON that was asked for:", *listed, "Send it again, whole."])


def _texts(value: JsonValue) -> Iterator[str]:
    match value:
        case str():
            yield value
        case list():
            for item in value:
                yield from _texts(item)
        case dict():
            for item in value.values():
                yield from _texts(item)
        case _:
            pass


def _calling(message: Said) -> ChatCompletionMessageParam:
    """Return the model's calls as a message of the conversation."""
    calls = [
        {"id": call.id, "type": "function", "function": call.function.model_dump()}
        for call in message.tool_calls or []
    ]
    said = {"role": "assistant", "content": message.content, "tool_calls": calls}
    return cast("ChatCompletionMessageParam", said)
