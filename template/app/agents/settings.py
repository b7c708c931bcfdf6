"""Settings of the agent: what operations change over the declaration."""

from pydantic import Field, SecretStr

from app.core.config import Environment


class AgentSettings(Environment):
    """The standard variables of OpenAI's client, and the limits."""

    openai_api_key: SecretStr = Field(description="Key of the OpenAI-compatible server.")
    openai_base_url: str | None = Field(
        default=None,
        description="Another server than OpenAI's, for example http://127.0.0.1:8081/v1.",
    )
    openai_model: str | None = Field(
        default=None, description="Model to use instead of the declared one."
    )
    max_tokens: int | None = Field(
        default=None, ge=1, description="Longest answer in tokens, instead of the declared one."
    )
    agent_seconds: float = Field(
        default=30.0, gt=0, description="Deadline of one answer, retries included."
    )
