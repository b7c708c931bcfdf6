"""What a model's server sends, as far as it is read; everything else is passed over.

Servers leave fields out or send nonsense: what can't be read here is no answer.
"""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidatorFunctionWrapHandler
from pydantic.functional_validators import WrapValidator


def _or_none(value: Any, handler: ValidatorFunctionWrapHandler) -> Any:
    try:
        return handler(value)
    except ValidationError:
        return None


class _Read(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Details(_Read):
    """Of the prompt's tokens, those that the server had cached."""

    cached_tokens: Annotated[int | None, Field(ge=0)] = None


class Reported(_Read):
    """The usage as the server counts it."""

    prompt_tokens: Annotated[int, Field(ge=0)]
    completion_tokens: Annotated[int, Field(ge=0)]
    prompt_tokens_details: Annotated[Details | None, WrapValidator(_or_none)] = None


class Function(_Read):
    """A function and its arguments, JSON as the model wrote it."""

    name: str
    arguments: str = "{}"


class ToolCall(_Read):
    """The model's wish to have a function called."""

    id: str
    function: Function


class Said(_Read):
    """A message of the model, or a piece of one."""

    content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None


class Choice(_Read):
    """A whole answer."""

    message: Said
    finish_reason: str | None = None


class Delta(_Read):
    """A piece of a message's text."""

    content: str | None = None
    refusal: str | None = None


class Piece(_Read):
    """A piece of an answer; the last one says why it ended."""

    delta: Delta = Delta()
    finish_reason: str | None = None


Usage = Annotated[Reported | None, WrapValidator(_or_none)]


class Completion(_Read):
    """An answer at once."""

    id: str = ""
    model: str = ""
    choices: Annotated[list[Choice], Field(min_length=1)]
    usage: Usage = None


class Chunk(_Read):
    """A part of a streamed answer; one with the usage has no choices."""

    id: str = ""
    model: str = ""
    choices: list[Piece] | None = None
    usage: Usage = None
