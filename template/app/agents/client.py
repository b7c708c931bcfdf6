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
from pydantic_core import InitErrorDetails

from app.agents.bill import Bill
from app.agents.errors import (
    AnswerCutError,
    AnswerWithheldError,
    ModelAnswerError,
    ModelDeadlineError,
    ToolRoundsError,
)
from app.agents.guard import Guard, Watch
from app.agents.ledger import Ledger
from app.agents.metrics import EFFICIENCY
from app.agents.reply import Message, Reply
from app.agents.server import ModelServer, Question
from app.agents.settings import AgentSettings
from app.agents.tools import Tools
from app.agents.usage import PriceTable, Usage, bound
from app.core.declaration.agent import AgentConfig

MAX_ROUNDS = 5
"""How often a model may call tools before it must answer."""
MAX_REPEATED = 8_000
"""Characters of an answer of the wrong shape that the model is shown again."""

ENDS = {"stop", "tool_calls", "function_call"}
"""Why a whole answer ends."""
BETWEEN = "\n\n"
"""What stands between the texts of two rounds."""

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
        self,
        messages: Sequence[Message],
        *,
        user: str | None = None,
        tools: Tools | None = None,
        session: str | None = None,
    ) -> Reply[str]:
        """Continue a conversation, `session` in logs; the system prompt is put in front.

        With tools, the model may have them called, in five rounds at most.
        """
        deadline, said = self._deadline(), self._with_system(messages)
        bills: list[Bill] = []
        while True:
            question = self._question(said, tools=tools, session=session)
            bill = await self._turn(question, deadline, user, bills)
            if not (tools and bill.said.tool_calls):
                content = _joined(bills)
                self._guard.check(content)
                return self._reply(content, bills)
            said += await _called(bills, tools, deadline)

    async def ask(self, question: str, answer: type[M], *, user: str | None = None) -> Reply[M]:
        """Ask for an answer of the shape of `answer`; one of another shape is repaired once."""
        deadline = self._deadline()
        said = self._with_system([Message(role="user", content=question)])
        bills: list[Bill] = []
        while True:
            bill = await self._turn(self._question(said, shape=answer), deadline, user, bills)
            content = bill.said.content or ""
            try:
                found = answer.model_validate_json(_unfenced(content))
                told = _written(found)
            except ValidationError as error:
                if len(bills) > 1:
                    raise ModelAnswerError(f"The answer is no {answer.__name__}.") from None
                said.append({"role": "assistant", "content": content[:MAX_REPEATED]})
                said.append({"role": "user", "content": _complaint(error)})
            else:
                self._guard.check("\n".join(_texts(told)))
                return self._reply(found, bills)

    async def stream(
        self,
        messages: Sequence[Message],
        *,
        user: str | None = None,
        tools: Tools | None = None,
        session: str | None = None,
    ) -> AsyncGenerator[str | Reply[str]]:
        """Continue a conversation piece by piece; the whole reply comes last.

        The first piece is empty: the server has begun. An error before it is one of the call, an
        error after it one of an answer that was begun. Closing the generator stops the model. Tools
        are called as `chat` calls them, between pieces.
        """
        deadline, said = self._deadline(), self._with_system(messages)
        bills: list[Bill] = []
        watch = Watch(self._guard)
        while True:
            question = self._question(said, tools=tools, session=session)
            before = bool(_joined(bills))
            async with self._billed(question, user, deadline, bills) as bill:
                parts = self._server.stream(question, deadline, bill.sending)
                async with aclosing(parts) as chunks:
                    async for chunk in chunks:
                        if chunk is None:
                            if len(bills) == 1:
                                yield ""
                        elif piece := bill.streamed(chunk):
                            if told := watch.tell(f"{BETWEEN}{piece}" if before else piece):
                                yield told
                            before = False
                self._usable(bill, question)
            if not (tools and bill.said.tool_calls):
                if rest := watch.rest():
                    yield rest
                yield self._reply(_joined(bills), bills)
                return
            said += await _called(bills, tools, deadline)

    def version(self, question: str, answer: type[BaseModel]) -> str:
        """Return a name of what is asked: model, prompts, shape; another one for another of them.

        Part of the keys of answers that are kept.
        """
        told = [self._model, self._system, question, _schema(answer), self._temperature]
        return sha256(json.dumps(told).encode()).hexdigest()[:12]

    async def _turn(
        self, question: Question, deadline: float, user: str | None, bills: list[Bill]
    ) -> Bill:
        """Ask once, and return the bill, which holds the answer."""
        async with self._billed(question, user, deadline, bills) as bill:
            bill.completed(await self._server.complete(question, deadline, bill.sending))
            self._usable(bill, question)
            self._guard.check(bill.said.content or "")
        return bill

    def _usable(self, bill: Bill, question: Question) -> None:
        """Raise for what looks like an answer and is none."""
        said = bill.said
        if bill.finish in {"length", "max_tokens"}:
            raise AnswerCutError(f"The answer is longer than {self._max_tokens} tokens.")
        if bill.finish is None:
            raise AnswerCutError("The answer ended before its end.")
        if bill.finish == "content_filter":
            raise AnswerWithheldError("The model's server filtered the answer.")
        if said.refusal:
            raise AnswerWithheldError("The model refused to answer.")
        if bill.finish not in ENDS:
            raise AnswerCutError("The answer ended for a reason that is no end.")
        if said.tool_calls and question.tools is omit:
            raise ModelAnswerError("The model calls tools, and has none.")
        if not ((said.content or "").strip() or said.tool_calls):
            raise ModelAnswerError("The answer is empty.")

    def _reply(self, content: C, bills: Sequence[Bill]) -> Reply[C]:
        usage = sum((bill.usage for bill in bills), Usage())
        costs = [bill.cost for bill in bills]
        left = min(1.0, max(0.0, 1 - usage.tokens_out / self._max_tokens))
        model = bills[-1].model or self._model
        EFFICIENCY.labels(model).observe(left)
        return Reply(
            content,
            usage=usage,
            cost=None if None in costs else sum(cost or 0.0 for cost in costs),
            token_efficiency=left,
            model=model,
            finish_reason=bills[-1].finish or "stop",
        )

    @asynccontextmanager
    async def _billed(
        self, question: Question, user: str | None, deadline: float, bills: list[Bill]
    ) -> AsyncGenerator[Bill]:
        """Reserve what a call may cost, if a user pays; the bill, settled at the end, is added."""
        hold, ledger = None, self._ledger
        if user and ledger:
            seconds = deadline - asyncio.get_running_loop().time()
            tokens = bound(question.size, question.max_tokens)
            try:
                async with asyncio.timeout_at(deadline):
                    hold = await ledger.reserve(user, tokens, seconds)
            except TimeoutError:
                raise ModelDeadlineError("The user's account took too long.") from None

        def settle(usage: Usage, cost: float | None, paid: bool) -> None:
            if hold and ledger:
                ledger.settle(hold, usage, cost, paid=paid)

        peer = self._server.peer
        with Bill(question, peer, self._prices, settle, whole=self._whole) as bill:
            bills.append(bill)
            yield bill

    def _question(
        self,
        said: Sequence[ChatCompletionMessageParam],
        *,
        shape: type[BaseModel] | None = None,
        tools: Tools | None = None,
        session: str | None = None,
    ) -> Question:
        return Question(
            model=self._model,
            messages=said,
            temperature=self._temperature,
            max_tokens=self._max_tokens,
            response_format=_schema(shape) if shape else omit,
            tools=tools.described if tools else omit,
            session=session,
        )

    def _with_system(self, messages: Sequence[Message]) -> list[ChatCompletionMessageParam]:
        said = [Message(role="system", content=self._system), *messages]
        return cast("list[ChatCompletionMessageParam]", said)

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._seconds


def smallest(config: AgentConfig, settings: AgentSettings) -> int:
    """Return how many tokens any call reserves: the longest answer, and the system prompt."""
    said = len(config.system_prompt_template.encode())
    return bound(said, settings.max_tokens or config.max_tokens)


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


def _written(found: BaseModel) -> JsonValue:
    """Return it as JSON; NaN and the infinite, which no store would keep, are no valid numbers."""
    told = found.model_dump(mode="json")
    try:
        json.dumps(told, allow_nan=False)
    except ValueError:
        wrong = InitErrorDetails(type="finite_number", input=None)
        raise ValidationError.from_exception_data(type(found).__name__, [wrong]) from None
    return told


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
            for name, item in value.items():
                yield name
                yield from _texts(item)
        case _:
            pass


def _joined(bills: Sequence[Bill]) -> str:
    """Return what the model said in all rounds: some say something before they call a tool."""
    return BETWEEN.join(text for bill in bills if (text := bill.said.content))


async def _called(
    bills: Sequence[Bill], tools: Tools, deadline: float
) -> list[ChatCompletionMessageParam]:
    """Run the model's last calls; return them and their results as messages of the conversation."""
    if len(bills) > MAX_ROUNDS:
        raise ToolRoundsError(f"The model called tools more than {MAX_ROUNDS} times.")
    message = bills[-1].said
    calls = message.tool_calls or []
    listed = [
        {"id": call.id, "type": "function", "function": call.function.model_dump()}
        for call in calls
    ]
    said = [{"role": "assistant", "content": message.content or None, "tool_calls": listed}]
    for call in calls:
        try:
            async with asyncio.timeout_at(deadline):
                result = await tools.call(call)
        except TimeoutError:
            raise ModelDeadlineError(f"The tool '{call.function.name}' took too long.") from None
        said.append({"role": "tool", "tool_call_id": call.id, "content": result})
    return cast("list[ChatCompletionMessageParam]", said)
