"""The HTTP side: chat completions, streamed or not, the list of models, errors as OpenAI's.

`POST /script` is not OpenAI's: what is sent there, a list, is what the next questions get.
"""

import json
from collections import deque
from typing import Any

from pydantic import BaseModel, Field, ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dev.openai.answers import Author, tokens
from dev.openai.script import SCRIPT, Call, Failure, Raw, Reply, Scripted, problem
from dev.openai.wire import CREATED, Exchange, Written

MODEL = "gpt-4o-mini"


class Message(BaseModel):
    """One message of a conversation."""

    role: str
    content: str | list[dict[str, Any]] | None = None
    tool_calls: list[dict[str, Any]] | None = None
    tool_call_id: str | None = None

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
    tools: list[dict[str, Any]] | None = None
    tool_choice: str | dict[str, Any] | None = None
    max_tokens: int | None = Field(default=None, ge=1)
    max_completion_tokens: int | None = Field(default=None, ge=1)

    @property
    def limit(self) -> int | None:
        """The longest answer, in tokens."""
        return self.max_completion_tokens or self.max_tokens


class OpenAIServer:
    """The server: `app` is the application, `requests` what was asked of it."""

    def __init__(self, model: str = MODEL) -> None:
        self._listed = model
        self.requests: list[ChatRequest] = []
        self.script: deque[Scripted] = deque()
        """What the next requests are answered with."""
        self.open = 0
        """Completions that are being written."""
        self.abandoned = 0
        """Completions whose client went away before the end."""
        routes = [
            Route("/v1/chat/completions", self._chat, methods=["POST"]),
            Route("/v1/models", self._models),
            Route("/v1/models/{model:path}", self._model),
            Route("/script", self._add, methods=["POST"]),
        ]
        self.app = Starlette(routes=routes, exception_handlers={HTTPException: _no_route})

    async def _models(self, request: Request) -> Response:
        models = dict.fromkeys([self._listed, *(asked.model for asked in self.requests)])
        listed = {"object": "list", "data": [_described(model) for model in models]}
        return _refused(request) or JSONResponse(listed)

    async def _model(self, request: Request) -> Response:
        return _refused(request) or JSONResponse(_described(request.path_params["model"]))

    async def _add(self, request: Request) -> Response:
        try:
            self.script.extend(SCRIPT.validate_json(await request.body()))
        except ValidationError as error:
            return _invalid(error)
        return JSONResponse({"waiting": len(self.script)})

    async def _chat(self, request: Request) -> Response:
        if refused := _refused(request):
            return refused
        try:
            asked = ChatRequest.model_validate_json(await request.body())
        except ValidationError as error:
            return _invalid(error)
        self.requests.append(asked)
        scripted = self.script.popleft() if self.script else None
        match scripted:
            case Response():
                return scripted
            case Failure():
                return scripted.response(request.headers["authorization"])
            case Raw():
                return scripted.response()
            case Reply():
                return self._written(asked, scripted, asked.limit)
            case str():
                return self._written(asked, Reply(scripted), asked.limit)
            case None:  # what it says by itself fits, whatever the limit
                return self._written(asked, _own(asked), None)

    def _written(self, asked: ChatRequest, reply: Reply, limit: int | None) -> Response:
        exchange = Exchange(
            reply=reply,
            model=asked.model,
            prompt_tokens=sum(len(tokens(message.text)) + 4 for message in asked.messages),
            limit=limit,
            counted=bool((asked.stream_options or {}).get("include_usage")),
        )
        self.open += 1
        return Written(exchange, stream=asked.stream, ended=self._ended)

    def _ended(self, whole: bool) -> None:
        self.open -= 1
        self.abandoned += not whole


def _own(asked: ChatRequest) -> Reply:
    """Answer what was asked, the same for the same question."""
    said = [message.text for message in asked.messages]
    question = next((m.text for m in reversed(asked.messages) if m.role == "user"), said[-1])
    author = Author(question, seed="\n".join(said))
    last = asked.messages[-1]
    if last.role == "tool":
        return Reply(f"The tool says: {last.text}")
    if tool := _wanted(asked, question):
        return Reply(calls=[Call(tool["name"], author.fill(tool.get("parameters", {})))])
    wanted = asked.response_format or {}
    if wanted.get("type") == "json_schema":
        document = author.fill(wanted["json_schema"]["schema"])
        return Reply(json.dumps(document, ensure_ascii=False), finish="stop")
    if wanted.get("type") == "json_object":
        return Reply(json.dumps({"answer": author.text()}, ensure_ascii=False))
    return Reply("".join(tokens(author.text())[: asked.limit]))


def _wanted(asked: ChatRequest, question: str) -> dict[str, Any] | None:
    """Return the tool that must be called, or that the question names."""
    tools: list[dict[str, Any]] = [tool["function"] for tool in asked.tools or []]
    if isinstance(asked.tool_choice, dict):
        chosen = asked.tool_choice["function"]["name"]
        return next((tool for tool in tools if tool["name"] == chosen), None)
    if asked.tool_choice == "none":
        return None
    named = (tool for tool in tools if tool["name"] in question)
    return next(named, tools[0] if tools and asked.tool_choice == "required" else None)


def _described(model: str) -> dict[str, Any]:
    return {"id": model, "object": "model", "created": CREATED, "owned_by": "dev"}


def _refused(request: Request) -> Response | None:
    if request.headers.get("authorization", "").startswith("Bearer "):
        return None
    return problem(401, "You didn't provide an API key.", code="invalid_api_key")


def _invalid(error: ValidationError) -> Response:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(400, f"Invalid '{where}': {first['msg']}", param=where)


async def _no_route(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    where = f"{request.method} {request.url.path}"
    return problem(status, f"Unknown request URL: {where}", code="unknown_url")
