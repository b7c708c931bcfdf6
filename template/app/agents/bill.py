"""The bill of one call: what was heard of it, and what it cost, however it ended."""

import asyncio
import json
import time
from collections.abc import Callable
from types import TracebackType

from app.agents import metrics
from app.agents.errors import ModelBrokenError, ModelRefusedError, ModelUnavailableError
from app.agents.server import Question
from app.agents.usage import PriceTable, Usage, usage_of
from app.agents.wire import Chunk, Completion, Said
from app.agents.wire import Usage as Reported
from app.core.errors import ServiceError

Settle = Callable[[Usage, float | None], None]


class Bill:
    """Counts a call at its end; a call that was refused costs nothing.

    What was sent and not heard to its end is estimated: its prompt, and what was heard.
    """

    def __init__(
        self, question: Question, prices: PriceTable, settle: Settle, *, whole: bool
    ) -> None:
        self._question = question
        self._prices = prices
        self._settle = settle
        self._whole = whole
        self._started = time.perf_counter()
        self._first = True
        self._id = ""
        self._reported: Reported = None
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self.model = ""
        self.finish: str | None = None
        self.usage = Usage()
        self.cost: float | None = 0.0

    def __enter__(self) -> "Bill":
        return self

    def completed(self, completion: Completion) -> Said:
        """Hear a whole answer."""
        choice = completion.choices[0]
        self._id, self.model = completion.id, completion.model
        self._reported, self.finish = completion.usage, choice.finish_reason
        calls = [call.function.arguments for call in choice.message.tool_calls or []]
        self._texts += [choice.message.content or "", *calls]
        return choice.message

    def streamed(self, chunk: Chunk) -> str:
        """Hear a part of an answer; return its text."""
        if self._first:
            self._first = False
            metrics.first_chunk(self._question.model, time.perf_counter() - self._started)
        self._id, self.model = chunk.id or self._id, chunk.model or self.model
        self._reported = chunk.usage or self._reported
        text = ""
        for piece in (chunk.choices or [])[:1]:
            text = piece.delta.content or ""
            self._texts.append(text)
            self._refusals.append(piece.delta.refusal or "")
            self.finish = piece.finish_reason or self.finish
        return text

    @property
    def said(self) -> Said:
        """What was streamed so far."""
        return Said(content="".join(self._texts), refusal="".join(self._refusals) or None)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        question, text = self._question, "".join(self._texts)
        if not _free(error):
            asked = len(json.dumps([*question.messages, question.response_format], default=str))
            self.usage = usage_of(self._reported, asked, text, question.max_tokens)
            self.cost = self._prices.cost(self.model or question.model, self.usage)
            self._settle(self.usage, self.cost)
        record = metrics.Record(
            request_model=question.model,
            response_model=self.model,
            response_id=self._id,
            finish_reason=self.finish,
            usage=self.usage,
            cost=self.cost,
            seconds=time.perf_counter() - self._started,
            error_type=_name(error),
        )
        metrics.count(record)
        metrics.tell(record, question.messages, text, whole=self._whole)


def _free(error: BaseException | None) -> bool:
    if isinstance(error, ModelBrokenError):
        return False
    return isinstance(error, ModelUnavailableError | ModelRefusedError)


def _name(error: BaseException | None) -> str:
    if isinstance(error, ServiceError):
        return error.code
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "cancelled"
    return type(error).__name__ if error else ""
