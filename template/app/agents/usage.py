"""What calls of a model cost: tokens as the server counts them, dollars by a table."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from app.agents.wire import Reported
from app.core.config import ConfigurationError

PRICES = Path(__file__).with_name("prices.yaml")
MILLION = 1_000_000
BYTES_PER_TOKEN = 4
"""A rule of thumb for English, where nobody counts; other scripts take more bytes."""


@dataclass(frozen=True)
class Usage:
    """Tokens of one call or of several; the cached ones are among those that went in."""

    tokens_in: int = 0
    tokens_out: int = 0
    tokens_cached: int = 0
    estimated: bool = False
    """Whether it is our guess: the server said nothing, nonsense, or was not heard to its end."""

    def __add__(self, other: "Usage") -> "Usage":
        """Return the sum."""
        return Usage(
            self.tokens_in + other.tokens_in,
            self.tokens_out + other.tokens_out,
            self.tokens_cached + other.tokens_cached,
            self.estimated or other.estimated,
        )


def estimate(text: str) -> int:
    """Return about how many tokens a text has."""
    return -(-len(text.encode()) // BYTES_PER_TOKEN)


def bound(asked: int, limit: int) -> int:
    """Return how many tokens a call may cost, with a prompt of so many bytes."""
    return -(-asked // BYTES_PER_TOKEN) + limit


def usage_of(reported: Reported | None, asked: int, answered: str, limit: int) -> Usage:
    """Return the usage of a call: the server's, or a guess where that can't be true.

    `asked` is the length of the prompt in bytes: no tokenizer makes more tokens than that,
    but for the few that frame each message.
    """
    if (
        reported is None
        or not reported.prompt_tokens
        or (answered and not reported.completion_tokens)
        or reported.prompt_tokens > 2 * asked + 1000
        or reported.completion_tokens > max(limit, len(answered.encode()) + 1000)
    ):
        tokens_out = min(limit, estimate(answered))
        return Usage(-(-asked // BYTES_PER_TOKEN), tokens_out, estimated=True)
    details = reported.prompt_tokens_details
    cached = min((details.cached_tokens if details else None) or 0, reported.prompt_tokens)
    return Usage(reported.prompt_tokens, reported.completion_tokens, cached)


class Price(BaseModel):
    """US dollars for a million tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: float = Field(ge=0, allow_inf_nan=False)
    cached: float = Field(ge=0, allow_inf_nan=False)
    output: float = Field(ge=0, allow_inf_nan=False)


class PriceTable:
    """What models cost."""

    def __init__(self, prices: Mapping[str, Price]) -> None:
        self._prices = prices

    @classmethod
    def load(cls, path: Path | None = None) -> "PriceTable":
        """Read our table, and one that adds to it and wins; a ConfigurationError tells why not."""
        return cls(_read(PRICES) | (_read(path) if path else {}))

    def cost(self, model: str, usage: Usage) -> float | None:
        """Return US dollars; None where the model's price is not known."""
        undated = re.sub(r"-\d{4}-\d{2}-\d{2}$", "", model)
        price = self._prices.get(model) or self._prices.get(undated)
        if price is None:
            return None
        fresh = usage.tokens_in - usage.tokens_cached
        dollars = fresh * price.input + usage.tokens_cached * price.cached
        return (dollars + usage.tokens_out * price.output) / MILLION


def _read(path: Path) -> dict[str, Price]:
    try:
        content: object = yaml.safe_load(path.read_text(encoding="utf-8"))
        return TypeAdapter(dict[str, Price]).validate_python(content)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValidationError) as error:
        about = " ".join(str(error).split())
        raise ConfigurationError(f"AGENT_PRICES={path}: {about}") from None
