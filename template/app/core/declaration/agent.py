"""Agent: the language model a service answers with."""

from typing import Annotated, ClassVar

from pydantic import Field

from .service import TEXT, Section

Model = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$", max_length=128)]


class AgentConfig(Section):
    """How the model is asked and what it remembers."""

    section: ClassVar[str] = "agent"

    model: Model
    temperature: float = Field(default=0.7, ge=0, le=2)
    max_tokens: int = Field(default=2000, ge=1, le=1_000_000)
    """Most tokens of one answer."""
    system_prompt_template: str = Field(
        default="You are a helpful assistant. Say so when you don't know.",
        pattern=TEXT,
        max_length=20_000,
    )
    context_key: str = Field(
        default="conversation:{session_id}",
        pattern=r"^[A-Za-z0-9._:-]*\{session_id\}[A-Za-z0-9._:-]*$",
        max_length=128,
    )
    """Where a conversation is kept in the state store."""
    max_history: int = Field(default=20, ge=1, le=10_000)
    """Messages of a conversation that are kept."""
