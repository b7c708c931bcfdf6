"""Completions on the wire: as one body or as a stream of events."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

from dev.openai.answers import tokens
from dev.openai.script import Reply

CREATED = 1_700_000_000
BODY_PIECE = 16  # bytes


@dataclass(frozen=True)
class Exchange:
    """A reply to a request, ready to be written."""

    reply: Reply
    model: str
    prompt_tokens: int
    limit: int | None
    counted: bool
    """Whether the client asked for the usage of a stream."""

    @property
    def pieces(self) -> list[str]:
        """The content, as far as the limit lets it."""
        found = tokens(self.reply.content or "")
        return found if self.reply.finish else found[: self.limit]

    @property
    def finish(self) -> str:
        """Why it ends."""
        cut = len(tokens(self.reply.content or "")) > len(self.pieces)
        natural = "tool_calls" if self.reply.calls else "length" if cut else "stop"
        return self.reply.finish or natural

    @property
    def usage(self) -> object:
        """What it costs, or what the script says."""
        if self.reply.usage != "counted":
            return self.reply.usage
        spoken = len(self.pieces) + sum(len(tokens(call["text"])) for call in self._calls())
        return {
            "prompt_tokens": self.prompt_tokens,
            "completion_tokens": spoken,
            "total_tokens": self.prompt_tokens + spoken,
            "prompt_tokens_details": {"cached_tokens": 0},
        }

    def body(self) -> bytes:
        """Return all of it as one document."""
        content = None if self.reply.content is None else "".join(self.pieces)
        message: dict[str, Any] = {"role": "assistant", "content": content}
        message["refusal"] = self.reply.refusal
        if calls := [_call(call) for call in self._calls()]:
            message["tool_calls"] = calls
        choice = {"index": 0, "message": message, "finish_reason": self.finish, "logprobs": None}
        head = self._head("chat.completion")
        return json.dumps({**head, "choices": [choice], "usage": self.usage}).encode()

    def events(self) -> list[bytes]:
        """Return the events of a stream, [DONE] included."""
        head = self._head("chat.completion.chunk")
        if self.counted:
            head["usage"] = None
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": ""}]
        deltas += [{"content": piece} for piece in self.pieces]
        for number, call in enumerate(self._calls()):
            deltas += [{"tool_calls": [{"index": number, **piece}]} for piece in _pieces(call)]
        if self.reply.refusal:
            deltas.append({"refusal": self.reply.refusal})
        parts: list[dict[str, Any]] = []
        parts += [{"index": 0, "delta": delta, "finish_reason": None} for delta in deltas]
        parts.append({"index": 0, "delta": {}, "finish_reason": self.finish})
        chunks = [{**head, "choices": [part]} for part in parts]
        if self.counted and self.usage is not None:
            chunks.append({**head, "choices": [], "usage": self.usage})
        return [*map(_event, chunks), b"data: [DONE]\n\n"]

    def _head(self, kind: str) -> dict[str, Any]:
        model = self.reply.model or self.model
        return {"id": f"chatcmpl-{uuid4()}", "object": kind, "created": CREATED, "model": model}

    def _calls(self) -> list[dict[str, str]]:
        found = [(call.name, call.arguments) for call in self.reply.calls]
        return [
            {"name": name, "text": given if isinstance(given, str) else json.dumps(given)}
            for name, given in found
        ]


class Written(StreamingResponse):
    """An exchange as a response that may be slow, end early or break."""

    def __init__(self, exchange: Exchange, *, stream: bool, ended: Callable[[bool], None]) -> None:
        self._reply = exchange.reply
        self._ended = ended
        self._whole = False
        media_type = "text/event-stream" if stream else "application/json"
        headers: dict[str, str] = {}
        pieces = exchange.events() if stream else [exchange.body()]
        if not stream:
            body, step = pieces[0], BODY_PIECE if self._reply.drip else len(pieces[0]) // 2 + 1
            headers["content-length"] = str(len(body))
            pieces = [body[start : start + step] for start in range(0, len(body), step)]
        super().__init__(self._write(pieces, stream), headers=headers, media_type=media_type)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write, and tell whether all of it went out."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._ended(self._whole)

    async def stream_response(self, send: Send) -> None:
        """Leave the response unfinished where it is to break."""

        async def broken(message: Message) -> None:
            if message.get("more_body", True):
                await send(message)

        await asyncio.sleep(self._reply.wait)
        await super().stream_response(broken if self._reply.end == "broken" else send)
        self._whole = True

    async def _write(self, pieces: list[bytes], stream: bool) -> AsyncGenerator[bytes]:
        end, half = self._reply.end, len(pieces) // 2
        if stream and end == "undone":
            pieces = pieces[:-1]
        elif stream and end == "half a line":
            pieces = [*pieces[:half], pieces[half][: len(pieces[half]) // 2]]
        elif stream and end == "error":
            pieces = [*pieces[:half], _event({"error": {"message": "The model is overloaded."}})]
        elif end in {"early", "broken"}:
            pieces = pieces[:half]
        for piece in pieces:
            await asyncio.sleep(self._reply.drip)
            yield piece


def _call(call: dict[str, str]) -> dict[str, Any]:
    function = {"name": call["name"], "arguments": call["text"]}
    return {"id": f"call_{uuid4().hex}", "type": "function", "function": function}


def _pieces(call: dict[str, str]) -> list[dict[str, Any]]:
    """Return a call as it is streamed: its name first, then its arguments bit by bit."""
    first = _call({**call, "text": ""})
    return [first, *({"function": {"arguments": bit}} for bit in tokens(call["text"]))]


def _event(chunk: dict[str, Any]) -> bytes:
    return f"data: {json.dumps(chunk)}\n\n".encode()
