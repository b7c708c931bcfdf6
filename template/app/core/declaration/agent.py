"""Agent: the language model a service answers with."""

from typing import Annotated, ClassVar

from pydantic import Field

from .rules import Rule, Section
from .text import LINES

ModelName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]*$", max_length=128),
    Rule("model", "the name of a model", "gpt-4.1-mini"),
]

Temperature = Annotated[
    float,
    Field(ge=0, le=2),
    Rule("temperature", "a number from 0 to 2", 0.7),
]

Tokens = Annotated[
    int,
    Field(ge=1, le=1_000_000),
    Rule("number of tokens", "a whole number from 1", 2000),
]

Prompt = Annotated[
    str,
    Field(max_length=20_000, pattern=rf"^{LINES}*[^\s\x00-\x1f\x7f-\x9f]{LINES}*$"),
    Rule("prompt", "text, without control characters", "You are a helpful AI tutor."),
]

ContextKey = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9._:-]*\{session_id\}[A-Za-z0-9._:-]*$", max_length=128),
    Rule("key of a conversation", "a key with {session_id} in it", "conversation:{session_id}"),
]

Messages = Annotated[
    int,
    Field(ge=1, le=10_000),
    Rule("number of messages", "a whole number from 1", 20),
]


class AgentConfig(Section):
    """How the model is asked and what it remembers."""

    section: ClassVar[str] = "agent"

    model: ModelName
    temperature: Temperature = 0.7
    max_tokens: Tokens = 2000
    """Most tokens of one answer."""
    system_prompt_template: Prompt = "You are a helpful AI tutor for learning Python."
    context_key: ContextKey = "conversation:{session_id}"
    """Where a conversation is kept in the state store."""
    max_history: Messages = 20
    """Messages of a conversation that are kept."""
