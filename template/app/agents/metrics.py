"""Metrics and logs of calls, named as OpenTelemetry's conventions for generative AI name them.

A metric's name and labels are the convention's with underscores for dots, as Prometheus has them;
a log's keys are the convention's own. Users are in neither: what each has spent is in the ledger.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from prometheus_client import Counter, Histogram

from app.agents.usage import Usage

log = structlog.get_logger("app.agent")

PROVIDER = "openai"
OPERATION = "chat"
MODELS = ["gen_ai_operation_name", "gen_ai_provider_name", "gen_ai_request_model"]

TOKENS = Histogram(
    "gen_ai_client_token_usage",
    "Tokens of a call.",
    [*MODELS, "gen_ai_response_model", "gen_ai_token_type"],
    buckets=[4**power for power in range(14)],
)
SECONDS = Histogram(
    "gen_ai_client_operation_duration_seconds",
    "Time of a call, retries included.",
    [*MODELS, "error_type"],
    buckets=[0.01 * 2**power for power in range(14)],
)
FIRST = Histogram(
    "gen_ai_client_operation_time_to_first_chunk_seconds",
    "Time until a stream begins.",
    MODELS,
    buckets=[0.001, 0.005, *(0.01 * 2**power for power in range(14))],
)
CACHED = Counter("agent_cached_tokens_total", "Tokens that the server had cached.", ["model"])
COST = Counter("agent_cost_dollars_total", "Cost by the price table.", ["model"])
UNPRICED = Counter("agent_unpriced_calls_total", "Calls of models without a price.", ["model"])


@dataclass(frozen=True, kw_only=True)
class Record:
    """One call: what was asked for, and what came of it."""

    request_model: str
    response_model: str
    response_id: str
    finish_reason: str | None
    usage: Usage
    cost: float | None
    seconds: float
    error_type: str = ""
    """The error's code, `cancelled` where the client went away; empty where all is well."""


def first_chunk(model: str, seconds: float) -> None:
    """Count how long a stream took to begin."""
    FIRST.labels(OPERATION, PROVIDER, model).observe(seconds)


def count(record: Record) -> None:
    """Count a call."""
    asked = (OPERATION, PROVIDER, record.request_model)
    answered = record.response_model or record.request_model
    usage = record.usage
    SECONDS.labels(*asked, record.error_type).observe(record.seconds)
    if not usage.tokens_in:
        return
    TOKENS.labels(*asked, answered, "input").observe(usage.tokens_in)
    TOKENS.labels(*asked, answered, "output").observe(usage.tokens_out)
    CACHED.labels(answered).inc(usage.tokens_cached)
    if record.cost is None:
        UNPRICED.labels(answered).inc()
    else:
        COST.labels(answered).inc(record.cost)


def tell(record: Record, said: Sequence[object], content: str, *, whole: bool) -> None:
    """Log a call; what was said is in it if `whole`."""
    about: dict[str, Any] = {
        "gen_ai.operation.name": OPERATION,
        "gen_ai.provider.name": PROVIDER,
        "gen_ai.request.model": record.request_model,
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
    if record.error_type:
        about["error.type"] = record.error_type
    if whole:
        about |= {"gen_ai.input.messages": said, "gen_ai.output.messages": content}
    write = log.warning if record.error_type else log.info
    write("agent.failed" if record.error_type else "agent.answered", **about)
