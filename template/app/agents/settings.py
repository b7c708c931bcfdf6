"""Settings of the agent: what operations change over the declaration."""

from pathlib import Path
from typing import Annotated

import httpx2
from pydantic import AfterValidator, Field

from app.core.config import Environment, Token
from app.core.declaration.agent import Model


def _url(text: str) -> str:
    """Return the address of a server without the white space around it."""
    try:
        url = httpx2.URL(text.strip())
    except httpx2.InvalidURL:
        url = httpx2.URL()
    if url.scheme not in {"http", "https"} or not url.host or (url.port or 0) > 65535:
        raise ValueError("must be http:// or https:// and a host, with a port up to 65535")
    return text.strip()


class AgentSettings(Environment):
    """The standard variables of OpenAI's client, and the limits."""

    openai_api_key: Token = Field(description="Key of the OpenAI-compatible server.")
    openai_base_url: Annotated[str, AfterValidator(_url)] | None = Field(
        default=None,
        description="Another server than OpenAI's, for example http://127.0.0.1:8081/v1.",
    )
    openai_model: Model | None = Field(
        default=None, description="Model to use instead of the declared one."
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="Longest answer in tokens, instead of the declared one."
    )
    agent_seconds: float = Field(
        default=30.0, gt=0, description="Deadline of one answer, retries included."
    )
    agent_retries: int = Field(
        default=2, ge=0, le=10, description="How often a call is repeated that was not answered."
    )
    agent_prices: Path | None = Field(
        default=None, description="Your prices, beside and over those of app/agents/prices.yaml."
    )
    user_tokens_per_day: int | None = Field(
        default=None, ge=1, description="Tokens that a user may spend a day (UTC)."
    )
    history_tokens: int = Field(
        default=8000, ge=1, description="Tokens of a conversation that are remembered."
    )
    otel_instrumentation_genai_capture_message_content: bool = Field(
        default=False, description="Whether logs and spans hold what was said."
    )
