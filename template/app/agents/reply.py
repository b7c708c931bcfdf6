"""What is said to a model, and what it answers."""

from dataclasses import dataclass
from typing import Generic, Literal, TypedDict, TypeVar

from app.agents.usage import Usage

C = TypeVar("C")


class Message(TypedDict):
    """One message of a conversation."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Reply(Generic[C]):
    """An answer and what it cost, repairs and tools included."""

    content: C
    usage: Usage
    cost: float | None
    """US dollars; None where the model's price is not known."""
    token_efficiency: float
    """Share of the request's token budget left unspent, 0–1 (spec section 5)."""
    model: str = ""
    """The model as the server names it."""
    finish_reason: str = "stop"
    cached: bool = False
    """Whether it was there already, and cost nothing."""
