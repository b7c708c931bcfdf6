"""The HTTP side: chat completions, streamed or not, the list of models, errors as OpenAI's."""

import json
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from dev.openai.answers import Author, tokens

MODEL = "gpt-4o-mini"
CREATED = 1_700_000_000


class Message(BaseModel):
    """One message of a conversation."""

    role: str
    content: str | list[dict[str, Any]] | None = None

    @property
    def text(self) -> str:
        """The message as text; a picture is none."""
        if isinstance(self.content, list):
            return "\n".join(str(part.get("text", "")) for part in self.content)
        return self.content or ""


class ChatRequest(BaseModel):
    """What is asked; fields that make no difference here are passed over."""

    model: str
    messages: list[Message] = Field(min_length=1)
    stream: bool = False
    stream_options: dict[str, Any] | None = None
    response_format: dict[str, Any] | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)


class OpenAIServer:
    """The server: `app` is the application, `requests` what was asked of it."""

    def __init__(self) -> None:
        self.requests: list[ChatRequest] = []
        self.script: deque[str | Response] = deque()
        """What the next requests are answered with: a content, or a whole response."""
        routes = [
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/models", self._models),
            Route("/v1/models/{model}", self._model),
        ]
        self.app = Starlette(routes=routes, exception_handlers={HTTPException: _no_route})

    async def _models(self, request: Request) -> Response:
        return _refused(request) or JSONResponse({"object": "list", "data": [_described(MODEL)]})

    async def _model(self, request: Request) -> Response:
        return _refused(request) or JSONResponse(_described(request.path_params["model"]))

    async def _chat(self, request: Request) -> Response:
        if refused := _refused(request):
            return refused
        try:
            asked = ChatRequest.model_validate_json(await request.body())
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            return problem(400, f"Invalid '{where}': {first['msg']}", param=where)
        self.requests.append(asked)
        scripted = self.script.popleft() if self.script else None
        if isinstance(scripted, Response):
            return scripted
        pieces = tokens(scripted if scripted is not None else _answer(asked))
        limit = asked.max_completion_tokens or asked.max_tokens or len(pieces)
        finish = "length" if len(pieces) > limit else "stop"
        pieces = pieces[:limit]
        spent = sum(len(tokens(message.text)) + 4 for message in asked.messages)
        usage = {"prompt_tokens": spent, "completion_tokens": len(pieces)}
        usage["total_tokens"] = sum(usage.values())
        if asked.stream:
            chunks = _stream(asked, pieces, finish, usage)
            return StreamingResponse(chunks, media_type="text/event-stream")
        message = {"role": "assistant", "content": "".join(pieces), "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
        body = _head(asked, "chat.completion")
        return JSONResponse({**body, "choices": [choice], "usage": usage})


def problem(
    status: int, message: str, code: str | None = None, param: str | None = None
) -> Response:
    """Return an error in OpenAI's shape."""
    error = {"message": message, "type": "invalid_request_error", "param": param, "code": code}
    return JSONResponse({"error": error}, status)


def _answer(asked: ChatRequest) -> str:
    said = [message.text for message in asked.messages]
    question = next((m.text for m in reversed(asked.messages) if m.role == "user"), said[-1])
    author = Author(question, seed="\n".join(said))
    wanted = asked.response_format or {}
    if wanted.get("type") == "json_schema":
        return json.dumps(author.fill(wanted["json_schema"]["schema"]), ensure_ascii=False)
    if wanted.get("type") == "json_object":
        return json.dumps({"answer": author.text()}, ensure_ascii=False)
    return author.text()


async def _stream(
    asked: ChatRequest, pieces: list[str], finish: str, usage: dict[str, int]
) -> AsyncGenerator[str]:
    head = _head(asked, "chat.completion.chunk")
    counted = (asked.stream_options or {}).get("include_usage")
    if counted:
        head["usage"] = None
    deltas: list[dict[str, str]] = [{"role": "assistant", "content": ""}]
    deltas += [{"content": piece} for piece in pieces]
    for delta in deltas:
        yield _event({**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]})
    yield _event({**head, "choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    if counted:
        yield _event({**head, "choices": [], "usage": usage})
    yield "data: [DONE]\n\n"


def _event(chunk: dict[str, Any]) -> str:
    return f"data: {json.dumps(chunk)}\n\n"


def _head(asked: ChatRequest, kind: str) -> dict[str, Any]:
    return {"id": f"chatcmpl-{uuid4()}", "object": kind, "created": CREATED, "model": asked.model}


def _described(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": CREATED, "owned_by": "dev"}


def _refused(request: Request) -> Response | None:
    if request.headers.get("authorization", "").startswith("Bearer "):
        return None
    return problem(401, "You didn't provide an API key.", code="invalid_api_key")


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    where = f"{request.method} {request.url.path}"
    return problem(status, f"Unknown request URL: {where}", code="unknown_url")
