"""The bill of one call: what was heard of it, and what it cost, however it ended."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType

from app.agents import metrics, traces
from app.agents.peer import Peer
from app.agents.server import Question, Sending
from app.agents.usage import PriceTable, Usage, usage_of
from app.agents.wire import Calls, Chunk, Completion, Delta, Said
from app.agents.wire import Usage as Reported
from app.core.errors import ServiceError

Settle = Callable[[Usage, float | None, bool], None]
"""Takes tokens, dollars, and whether anything was paid at all."""


class Bill:
    """Counts a call at its end; a call that was refused, or was not made, costs nothing.

    What was sent and not heard to its end is estimated: its prompt, and what was heard.
    """

    def __init__(
        self,
        question: Question,
        peer: Peer,
        prices: PriceTable,
        settle: Settle,
        *,
        whole: bool,
    ) -> None:
        self._question = question
        self._peer = peer
        self._prices = prices
        self._settle = settle
        self._whole = whole
        self._started, self._started_at = time.perf_counter(), time.time_ns()
        self._first = True
        self._id = ""
        self._reported: Reported = None
        self._message: Said | None = None
        self._texts: list[str] = []
        self._refusals: list[str] = []
        self._calls = Calls()
        self.sending = Sending()
        self.model = ""
        self.finish: str | None = None
        self.usage = Usage()
        self.cost: float | None = 0.0

    def __enter__(self) -> "Bill":
        return self

    def completed(self, completion: Completion) -> None:
        """Hear a whole answer."""
        choice = completion.choices[0]
        self._id, self.model = completion.id or "", completion.model or ""
        self._reported, self.finish = completion.usage, choice.finish_reason
        self._message = choice.message

    def streamed(self, chunk: Chunk) -> str:
        """Hear a part of an answer; return its text."""
        if self._first:
            self._first = False
            metrics.first_chunk(
                self._peer, self._question.model, time.perf_counter() - self._started
            )
        self._id, self.model = chunk.id or self._id, chunk.model or self.model
        self._reported = chunk.usage or self._reported
        text = ""
        for piece in (chunk.choices or [])[:1]:
            delta = piece.delta or Delta()
            text = delta.content or ""
            self._texts.append(text)
            self._refusals.append(delta.refusal or "")
            for call in delta.tool_calls or []:
                self._calls.feed(call)
            self.finish = piece.finish_reason or self.finish
        return text

    @property
    def said(self) -> Said:
        """What was heard so far."""
        refusal = "".join(self._refusals) or None
        streamed = Said(content="".join(self._texts), refusal=refusal, tool_calls=self._calls.whole)
        return self._message or streamed

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        question, said, paid = self._question, self.said, self.sending.asked
        if paid:
            calls = [call.function.arguments for call in said.tool_calls or []]
            heard = "".join([said.content or "", *calls])
            self.usage = usage_of(self._reported, question.size, heard, question.max_tokens)
            self.cost = self._prices.cost(self.model or question.model, self.usage)
        self._settle(self.usage, self.cost, paid)
        record = metrics.Record(
            question=question,
            peer=self._peer,
            response_model=self.model,
            response_id=self._id,
            finish_reason=self.finish,
            usage=self.usage,
            cost=self.cost,
            started_at=self._started_at,
            seconds=time.perf_counter() - self._started,
            error_type=_name(error),
        )
        metrics.count(record)
        traces.tell(record, said, whole=self._whole)


def _name(error: BaseException | None) -> str:
    if isinstance(error, ServiceError):
        return error.code
    if isinstance(error, asyncio.CancelledError | GeneratorExit):
        return "cancelled"
    return type(error).__name__ if error else ""
