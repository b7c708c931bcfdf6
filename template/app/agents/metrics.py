"""Metrics of calls, named as OpenTelemetry's conventions for generative AI name them.

Names and labels are the convention's with underscores for dots, as Prometheus has them. Users are
in none: what each has spent is in the ledger.
"""

from dataclasses import dataclass

from prometheus_client import Counter, Histogram

from app.agents.peer import Peer
from app.agents.server import Question
from app.agents.usage import Usage

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
REFUSED = Counter("agent_budget_refusals_total", "Calls that a user's budget did not allow.")
EFFICIENCY = Histogram(
    "agent_token_efficiency",
    "Share of the longest answer that was left unspent.",
    ["model"],
    buckets=[tenth / 10 for tenth in range(11)],
)


@dataclass(frozen=True, kw_only=True)
class Record:
    """One call: what was asked for, and what came of it."""

    question: Question
    peer: Peer
    response_model: str
    response_id: str
    finish_reason: str | None
    usage: Usage
    cost: float | None
    started_at: int
    """Nanoseconds since 1970."""
    seconds: float
    error_type: str = ""
    """The error's code, `cancelled` where the client went away; empty where all is well."""


def first_chunk(peer: Peer, model: str, seconds: float) -> None:
    """Count how long a stream took to begin."""
    FIRST.labels(OPERATION, peer.provider, model).observe(seconds)


def count(record: Record) -> None:
    """Count a call."""
    asked = (OPERATION, record.peer.provider, record.question.model)
    answered = record.response_model or record.question.model
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
