"""Tools: plain functions that the model may call. It chooses; code checks and runs.

    tools = Tools(lookup, add)
    reply = await agent.chat(messages, tools=tools)

A function's name, docstring and annotations are what the model is told of it. What it returns,
or what was wrong with the call, goes back to the model as data. A function that is not `async`
runs in a thread, so that nobody else waits for it; at the deadline it is left to itself there.
"""

import asyncio
import inspect
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast, get_type_hints

import structlog
from openai.types.chat import ChatCompletionToolParam
from prometheus_client import Counter
from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic_core import to_json

from app.agents import traces
from app.agents.wire import ToolCall
from app.core.errors import ServiceError

log = structlog.get_logger("app.agent")

CALLS = Counter("agent_tool_calls_total", "Calls of tools.", ["tool", "outcome"])

MAX_RESULT = 20_000
"""Longest result that a model is told, in characters; what is longer is an error."""

Function = Callable[..., object]


@dataclass(frozen=True)
class _Tool:
    function: Function
    arguments: type[BaseModel]
    description: str

    async def run(self, given: Mapping[str, object]) -> object:
        """Return what the function returns: one that may block does so in a thread."""
        if inspect.iscoroutinefunction(self.function):
            return await cast("Awaitable[object]", self.function(**given))
        result = await asyncio.to_thread(self._blocking, given)
        return await cast("Awaitable[object]", result) if inspect.isawaitable(result) else result

    def _blocking(self, given: Mapping[str, object]) -> object:
        try:
            return self.function(**given)
        except StopIteration as error:  # no future takes one: it would never be done
            raise RuntimeError("The function ran out of items.") from error


class Tools:
    """The functions that a model may call, each by its name."""

    def __init__(self, *functions: Function) -> None:
        self._tools = {function.__name__: _tool(function) for function in functions}
        if len(self._tools) != len(functions):
            raise ValueError("two functions have the same name")

    @property
    def described(self) -> Sequence[ChatCompletionToolParam]:
        """What the model is told."""
        return [
            {
                "type": "function",
                "function": {
                    "name": name,
                    "description": tool.description,
                    "parameters": tool.arguments.model_json_schema(),
                },
            }
            for name, tool in self._tools.items()
        ]

    async def call(self, call: ToolCall) -> str:
        """Return the result as JSON; what went wrong is a result, too."""
        name = call.function.name if call.function.name in self._tools else "unknown"
        with traces.tool(name, call.id) as span:
            outcome, result = await self._outcome(call)
            if outcome != "ok":
                span.set_attribute("error.type", outcome)
        CALLS.labels(name, outcome).inc()
        return result

    async def _outcome(self, call: ToolCall) -> tuple[str, str]:
        name = call.function.name
        tool = self._tools.get(name)
        if tool is None:
            return "unknown", _error(f"There is no tool '{name}'.")
        try:
            given = tool.arguments.model_validate_json(call.function.arguments or "{}")
        except ValidationError as error:
            found = error.errors(include_url=False, include_input=False, include_context=False)
            return "invalid", _error(json.dumps(found, default=str))
        try:
            result = await tool.run({key: getattr(given, key) for key in type(given).model_fields})
            text = to_json(result).decode()
        except ServiceError as error:
            return "failed", _error(error.detail)
        except Exception:  # a bug is ours; the model is told that there is no result
            log.exception("agent.tool_failed", tool=name)
            return "failed", _error("The tool failed.")
        if len(text) > MAX_RESULT:
            return "too long", _error(f"The result is longer than {MAX_RESULT} characters.")
        return "ok", text


def _tool(function: Function) -> _Tool:
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise TypeError(f"{function.__name__}: '{parameter}' can't be given by its name")
        if parameter.name not in hints:
            raise TypeError(f"{function.__name__}: '{parameter.name}' has no type")
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
    strict = ConfigDict(extra="forbid")
    arguments = create_model(function.__name__, __config__=strict, **fields)
    return _Tool(function, arguments, inspect.getdoc(function) or "")


def _error(error: str) -> str:
    return json.dumps({"error": error})
