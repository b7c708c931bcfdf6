"""A log line and a span for each call, by OpenTelemetry's conventions for generative AI.

Both hold the same attributes. Spans go where the process's tracer provider sends them; without
one there are none. What was said is in neither, unless somebody asks for it.
"""

import json
from contextlib import AbstractContextManager
from typing import Any

import structlog
from openai import Omit
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, StatusCode

from app.agents.metrics import OPERATION, Record
from app.agents.server import Question
from app.agents.wire import Said

log = structlog.get_logger("app.agent")

TRACER = trace.get_tracer("app.agents")


def tell(record: Record, said: Said, *, whole: bool) -> None:
    """Log a call and trace it; what was said is in both if `whole`."""
    attributes = _attributes(record)
    if whole:
        attributes["gen_ai.input.messages"] = json.dumps(_asked(record.question))
        attributes["gen_ai.output.messages"] = json.dumps(
            [_answered(said) | {"finish_reason": record.finish_reason or "error"}]
        )
    failed = bool(record.error_type)
    write = log.warning if failed else log.info
    write("agent.failed" if failed else "agent.answered", **attributes)
    span = TRACER.start_span(
        f"{OPERATION} {record.question.model}",
        kind=SpanKind.CLIENT,
        attributes={name: value for name, value in attributes.items() if value is not None},
        start_time=record.started_at,
    )
    if failed:
        span.set_status(StatusCode.ERROR, record.error_type)
    span.end()


def tool(name: str, call: str) -> AbstractContextManager[Span]:
    """Trace the call of a tool inside the block."""
    operation = "execute_tool"
    attributes = {
        "gen_ai.operation.name": operation,
        "gen_ai.tool.name": name,
        "gen_ai.tool.call.id": call,
        "gen_ai.tool.type": "function",
    }
    span = TRACER.start_span(f"{operation} {name}", attributes=attributes)
    return trace.use_span(span, end_on_exit=True)


def _attributes(record: Record) -> dict[str, Any]:
    question = record.question
    attributes: dict[str, Any] = {
        "gen_ai.operation.name": OPERATION,
        "gen_ai.provider.name": record.peer.provider,
        "server.address": record.peer.address,
        "server.port": record.peer.port,
        "gen_ai.request.model": question.model,
        "gen_ai.request.max_tokens": question.max_tokens,
        "gen_ai.request.temperature": question.temperature,
        "gen_ai.output.type": "text" if isinstance(question.response_format, Omit) else "json",
        "gen_ai.response.model": record.response_model,
        "gen_ai.response.id": record.response_id,
        "gen_ai.response.finish_reasons": [record.finish_reason] if record.finish_reason else [],
        "gen_ai.usage.input_tokens": record.usage.tokens_in,
        "gen_ai.usage.output_tokens": record.usage.tokens_out,
        "gen_ai.usage.cache_read.input_tokens": record.usage.tokens_cached,
        "usage_estimated": record.usage.estimated,
        "cost_dollars": record.cost,
        "duration_ms": round(record.seconds * 1000, 1),
    }
    if question.session:
        attributes["gen_ai.conversation.id"] = question.session
    if record.error_type:
        attributes["error.type"] = record.error_type
    return attributes


def _asked(question: Question) -> list[dict[str, Any]]:
    """Return the messages in the conventions' shape."""
    shaped: list[dict[str, Any]] = []
    for message in question.messages:
        given: dict[str, Any] = dict(message)
        if given["role"] == "tool":
            part = {"type": "tool_call_response", "id": given["tool_call_id"]}
            part["response"] = given["content"]
            shaped.append({"role": "tool", "parts": [part]})
        else:
            said = Said.model_validate(given)
            shaped.append(_answered(said) | {"role": given["role"]})
    return shaped


def _answered(said: Said) -> dict[str, Any]:
    text = [{"type": "text", "content": said.content}] if said.content else []
    calls = [
        {"type": "tool_call", "id": call.id, **call.function.model_dump()}
        for call in said.tool_calls or []
    ]
    return {"role": "assistant", "parts": [*text, *calls]}
